// Network namespaces for root tests: one for the test's own thread, and processes that stand for containers.
#pragma once

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "base/fd.h"
#include "base/spawn.h"

namespace cella::test {

// Puts the calling thread (and what it spawns) into a fresh network namespace until destroyed.
class PrivateNetwork {
 public:
  PrivateNetwork() {
    auto before = open_path("/proc/thread-self/ns/net", O_RDONLY);
    if (before.ok()) before_ = std::move(before).value();
    entered_ = before_.valid() && ::unshare(CLONE_NEWNET) == 0;
  }
  ~PrivateNetwork() {
    if (entered_) (void)::setns(before_.get(), CLONE_NEWNET);
  }
  PrivateNetwork(const PrivateNetwork&) = delete;
  PrivateNetwork& operator=(const PrivateNetwork&) = delete;
  bool entered() const { return entered_; }

 private:
  Fd before_;
  bool entered_ = false;
};

// A process in a network namespace of its own that does nothing until destroyed.
class NetworkProcess {
 public:
  NetworkProcess() {
    auto ready = make_pipe();
    if (!ready.ok()) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      char byte = ::unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
      (void)!::write(ready->write_end.get(), &byte, 1);
      for (;;) ::pause();
    }
    char byte = 'n';
    (void)!::read(ready->read_end.get(), &byte, 1);
    auto fd = open_path("/proc/" + std::to_string(pid_) + "/ns/net", O_RDONLY);
    if (byte == 'y' && fd.ok()) network_namespace_ = std::move(fd).value();
  }
  ~NetworkProcess() { kill(); }
  NetworkProcess(const NetworkProcess&) = delete;
  NetworkProcess& operator=(const NetworkProcess&) = delete;

  // Ends the process; its namespace goes as soon as nobody holds it.
  void kill() {
    network_namespace_.reset();
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  bool valid() const { return network_namespace_.valid(); }
  pid_t pid() const { return pid_; }
  const Fd& network_namespace() const { return network_namespace_; }

  // Runs a program inside; the whole outcome.
  Result<ProgramOutput> run(std::vector<std::string> command) const {
    std::vector<std::string> arguments{"--net=/proc/" + std::to_string(pid_) + "/ns/net", "--"};
    arguments.insert(arguments.end(), command.begin(), command.end());
    return run_program({.path = "nsenter", .arguments = arguments});
  }
  bool succeeds(std::vector<std::string> command) const {
    const auto outcome = run(std::move(command));
    return outcome.ok() && outcome->wait_status == 0;
  }

 private:
  pid_t pid_ = -1;
  Fd network_namespace_;
};

}  // namespace cella::test
