// The daemon's side of the proxy worker: starts it, connects to it, gives it sockets.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/proxy_messages.h"

namespace cella::runtime {

struct ProxyOptions {
  std::string cella_dir;       // holds proxy.socket and proxy.log
  std::string runtime_binary;  // copied into a sealed memfd when a worker is started
  int cgroup = -1;             // directory of the cgroup a new worker is born in, borrowed; -1: the caller's own
  int mounts = -1;             // the mount namespace in which the host's unix sockets are, borrowed; -1: the caller's own
};

struct ProxySocket {
  ProxyEntry entry;
  Fd socket;  // listening, udp: bound; non-blocking
};

// Thread-safe. The worker is started by the first call that needs it, and again when it was lost: what it carried is
// lost with it then. Errors of every call: kIo when it cannot be reached or refuses.
class ProxyClient {
 public:
  explicit ProxyClient(ProxyOptions options) : options_(std::move(options)) {}

  // Carries connections from the sockets to the rule's target from now on. A proxy of that id ends first.
  // init: of the container; with its end the proxy ends.
  Result<void> add(const ProxyRule& rule, std::vector<ProxySocket> sockets, const PidFd& init);
  // Its sockets and connections are closed when this returns. Unknown is success; no worker is started.
  Result<void> remove(const std::string& id);
  // Empty without a worker; none is started.
  Result<std::vector<ListedProxy>> list();
  // A listening unix socket inside a container, with the container's own rights.
  // Errors: those of bind(2) there; kTimeout after 10 s.
  Result<Fd> listen_inside(const InnerListener& wanted, const PidFd& init);

  // A worker that carries nothing ends then. The next call connects again.
  void disconnect();

  // Waits until the present worker is gone. false: there is none, or cancelled became readable.
  bool wait_for_loss(const Fd& cancelled);

 private:
  Result<ProxyAnswer> call(const ProxyRequest& request, const std::vector<int>& descriptors);
  Result<ProxyAnswer> call_running(const ProxyRequest& request);
  Result<ProxyAnswer> exchange(const ProxyRequest& request, const std::vector<int>& descriptors);
  Result<void> connect_running();
  Result<void> connect_or_start();

  const ProxyOptions options_;
  std::mutex mutex_;
  Fd connection_;
};

}  // namespace cella::runtime
