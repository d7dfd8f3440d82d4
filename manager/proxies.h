// The proxy devices of running containers: their sockets, rules of the firewall, and the worker that carries connections.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "manager/container_spec.h"
#include "manager/proxy_device.h"
#include "runtime/proxy_client.h"

namespace cella::manager {

// A running container as its proxies need it. Borrowed for the call.
struct ProxyPlace {
  std::int64_t instance = 0;
  const PidFd& init;
  const Fd& network_namespace;
  const std::vector<Nic>& nics;
};

// Thread-safe; one instance is worked on by one caller at a time.
class Proxies {
 public:
  // lost: the worker has died with all connections; call recover() then, on another thread.
  Proxies(runtime::ProxyOptions options, std::function<void()> lost);
  ~Proxies();
  Proxies(const Proxies&) = delete;
  Proxies& operator=(const Proxies&) = delete;

  // Listens and carries connections from now on. Errors name the address: kExists when it is taken, kInvalid for a NAT
  // that the container's NICs do not allow; a failure leaves nothing behind.
  Result<void> start(const ProxyPlace& place, const ProxySettings& settings);
  // Nobody listens any more when this returns. Unknown is success.
  Result<void> stop(std::int64_t instance, const std::string& device);
  // The container has ended: all of its proxies.
  void stop_all(std::int64_t instance);

  // What a daemon before this one, or a worker before the present one, has left: what is still served by the same rule is
  // taken over as it is.
  struct Served {
    std::int64_t instance = 0;
    ProxySettings settings;
  };
  // proxies: of all running containers. Returns those that are to be started anew; whatever belongs to nobody is removed.
  Result<std::vector<Served>> take_over(const std::vector<Served>& proxies);

  // A unix socket inside a container, made by the worker. Errors: as ProxyClient::listen_inside().
  Result<Fd> listen_inside(const runtime::InnerListener& wanted, const PidFd& init) {
    return client_.listen_inside(wanted, init);
  }
  // Lets the worker go when it carries nothing.
  void rest();

  // After this `lost` is not called any more.
  void end_watch();

 private:
  Result<void> start_carried(const ProxyPlace& place, const ProxySettings& settings);
  void note(std::int64_t instance, const ProxySettings& settings);
  void watch();

  runtime::ProxyClient client_;
  const std::function<void()> lost_;
  std::mutex mutex_;
  std::map<std::pair<std::int64_t, std::string>, ProxySettings> active_;
  Pipe cancel_;
  std::thread watcher_;
  bool watching_ = false;
  bool ended_ = false;
};

}  // namespace cella::manager
