// The one process that carries the connections of all containers' proxies, and outlives the daemon.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/keeper_loop.h"
#include "runtime/proxy_messages.h"

namespace cella::runtime {

// Serves one daemon at a time (the one that connected last) and as many proxies as there are. A proxy ends when the daemon
// says so or its container does. Single-threaded: nothing here waits for a container. Ends when it has no proxy left and
// no daemon is connected.
class ProxyWorker final : private EventSink {
 public:
  // listener: listening SEQPACKET socket. home: the network namespace it is started in.
  ProxyWorker(EventLoop loop, Fd listener, Fd home);
  ~ProxyWorker();
  Result<void> run();

 private:
  class Daemon;
  class Proxy;
  class Entrance;

  void ready(std::uint32_t events) override;  // of the listener
  void serve(Daemon& daemon);
  ProxyAnswer answer(const ProxyRequest& request, std::vector<Fd>& descriptors);
  Result<void> add(const ProxyRequest& request, std::vector<Fd>& descriptors);
  Result<void> listen(const ProxyRequest& request, std::vector<Fd>& descriptors);

  EventLoop loop_;
  Fd listener_;
  Watch watch_;
  Fd home_;
  std::unique_ptr<Daemon> daemon_;
  std::map<std::string, std::unique_ptr<Proxy>> proxies_;
};

// `cella-runtime proxy`: descriptor 3 is the listener.
int proxy_main(int argc, char** argv);

}  // namespace cella::runtime
