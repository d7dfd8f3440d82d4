// One network's dnsmasq: started, found again after the daemon was killed, told about hosts, stopped.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "manager/dnsmasq_config.h"

namespace cella::manager {

// Names the process by the pid file in its directory, a pidfd, and the configuration file in its command line; holds no
// child. The process outlives this object. Not thread-safe.
class Dnsmasq {
 public:
  // directory: absolute; made by start(). host_mounts: a mount namespace to run in, or -1; borrowed.
  Dnsmasq(std::string directory, int host_mounts) : paths_{std::move(directory)}, host_mounts_(host_mounts) {}

  // Runs with this configuration afterwards: a running one with the same text is kept, another one is replaced.
  // Errors: kInvalid when dnsmasq refuses the configuration (its own words), kNotFound without the program, kIo.
  Result<void> start(const std::string& bridge, const BridgeSettings& settings);
  // Terminates it and waits for its end. Not running is success.
  Result<void> stop();
  bool running();
  // The running process. Errors: kNotFound when it does not run.
  Result<Fd> process();

  // Writes what dnsmasq knows of one NIC under this key ("INSTANCE.DEVICE"); effective for requests made afterwards.
  Result<void> put_host(const std::string& key, const DnsmasqHost& host, const BridgeSettings& settings);
  Result<void> remove_host(const std::string& key);
  // Removes every host but these keys.
  Result<void> retain_hosts(const std::vector<std::string>& keys);

  const DnsmasqPaths& paths() const { return paths_; }

 private:
  bool find_process();
  Result<void> launch();
  Result<void> check_config(const std::string& text);
  Result<void> make_directories();
  void reread();

  DnsmasqPaths paths_;
  int host_mounts_;
  PidFd process_;
};

}  // namespace cella::manager
