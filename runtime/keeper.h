// The process that outlives the daemon: parent of every container's init and of every exec'ed process.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <sys/resource.h>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/exec.h"
#include "runtime/keeper_drain.h"
#include "runtime/keeper_link.h"
#include "runtime/keeper_loop.h"
#include "runtime/keeper_registry.h"
#include "runtime/protocol_messages.h"

namespace cella::runtime {

// What the keeper brings from its start.
struct KeeperSetting {
  Fd listener;                   // listening SEQPACKET socket
  Fd procfs;                     // of its own PID namespace, detached
  rlimit container_descriptors;  // RLIMIT_NOFILE for containers whose plan does not set it: what the keeper itself had
};

// Serves one daemon at a time, single-threaded. Nothing that a container or a daemon does makes it wait: launches are
// the only synchronous work and touch nothing that a container already controls; exec and changes inside report to the
// daemon directly; consoles are never waited for. A bad request is answered with an error and changes nothing.
class Keeper final : private LinkHandler {
 public:
  static Result<std::unique_ptr<Keeper>> create(KeeperSetting setting);
  ~Keeper();

  // Serves until a daemon asks for the end. Errors: the loop itself failed.
  Result<void> run();

 private:
  explicit Keeper(KeeperSetting setting, EventLoop loop, HomeNamespaces home, Fd route_socket);

  // LinkHandler
  Answer answer(const protocol::Header& header, Datagram& request) override;
  void daemon_arrived() override;
  void daemon_left() override;

  using Served = Result<Answer>;
  struct Request {
    const protocol::Header& header;
    Datagram& datagram;
  };
  Served serve(Request request);

  // keeper_launch.cpp
  Served launch_container(Request request);
  Served exec_session(Request request);
  Served hold_terminal(Request request);
  Served adopt(Request request);
  Served change_container(Request request);
  Result<ContainerRecord*> keep(std::unique_ptr<ContainerRecord> record, Fd console);
  Result<void> watch_init(ContainerRecord& record, PidFd process, Parent parent);
  Result<void> watch_session(SessionRecord& record, PidFd process);
  Result<void> watch_worker(StartedProcess worker);

  // keeper_requests.cpp
  Served list(Request request);
  Served handles(Request request);
  Served signal(Request request);
  Served signal_session(Request request);
  Served acknowledge(Request request);
  Served acknowledge_session(Request request);
  Served attach_console(Request request);
  Served console_backlog(Request request);
  Served clear_backlog(Request request);
  Served resize_console(Request request);
  Served netlink_socket(Request request);
  Served shut_down(Request request);
  static Served done(Request request);
  Result<ContainerRecord*> running(const std::string& name);
  Result<Console*> console_of(const std::string& name);

  void init_ended(ContainerRecord& record, std::optional<int> wait_status);
  void session_ended(SessionRecord& record, std::optional<int> wait_status);
  void announce(const ContainerRecord& record);
  void announce(const SessionRecord& record);

  EventLoop loop_;
  Fd procfs_;
  rlimit container_descriptors_;
  HomeNamespaces home_;
  Fd route_socket_;
  Registry registry_;
  std::map<pid_t, std::unique_ptr<ProcessWatch>> workers_;
  // Terminals of sessions whose daemon died: read and thrown away, so that the process is not stopped by a full pty.
  std::map<std::uint64_t, std::unique_ptr<Drain>> drains_;
  Link link_;
  bool stopping_ = false;
};

}  // namespace cella::runtime
