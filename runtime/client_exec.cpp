// Exec and changes inside a container: the process at work reports straight to this side, outside the order of calls.
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <csignal>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "runtime/client.h"
#include "runtime/client_connection.h"
#include "runtime/exec_change.h"
#include "runtime/exec_report.h"
#include "runtime/protocol_messages.h"
#include "runtime/protocol_plan.h"

namespace cella::runtime {

using protocol::decode_body;
using protocol::Kind;

namespace {

constexpr int kStartTimeout_ms = 30'000;
constexpr int kChangeTimeout_ms = 12'000;  // the worker gives up after 10 s

struct ReceivedReport {
  bool ended = false;  // the far end is closed
  Report report;
  Fd descriptor;
};

Result<ReceivedReport> receive_report(const Fd& socket, int timeout_ms) {
  pollfd polled{socket.get(), POLLIN, 0};
  int count = -1;
  while ((count = ::poll(&polled, 1, timeout_ms)) < 0 && errno == EINTR) {
  }
  if (count < 0) return errno_error(errno, "wait for report");
  if (count == 0) return Error(ErrorKind::kTimeout, "no report in time");
  Result<Datagram> datagram = receive_datagram(socket, sizeof(Report));
  ReceivedReport received;
  // A reset means that the far end went with something unread, which is an end too.
  received.ended = (!datagram && datagram.error().errno_value() == ECONNRESET) || (datagram && datagram->bytes.empty());
  if (received.ended) return received;
  if (!datagram) return std::move(datagram).error();
  if (datagram->bytes.size() != sizeof(Report)) return Error(ErrorKind::kInternal, "report of a wrong length");
  std::memcpy(&received.report, datagram->bytes.data(), sizeof(Report));
  if (!datagram->descriptors.empty()) received.descriptor = std::move(datagram->descriptors[0]);
  return received;
}

// A pty master and nothing else: the descriptor comes from a process that stands inside the container.
bool is_terminal_master(const Fd& fd) {
  struct stat status {};
  return ::fstat(fd.get(), &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(5, 2);
}

// Waits until the program runs. failure: filled when a step failed.
Result<Fd> await_start(const Fd& socket, const ExecPlan& plan, ExecFailure& failure) {
  Fd terminal;
  for (;;) {
    ReceivedReport received = TRY_CONTEXT("exec: " + plan.argv.front(), receive_report(socket, kStartTimeout_ms));
    if (received.ended && plan.terminal && !terminal) {
      failure = {.step = ExecStep::kDied, .errno_value = ESRCH};
      return exec_error(plan, failure);
    }
    if (received.ended) return terminal;
    if (received.report.kind == ReportKind::kFailed) {
      failure = {.step = static_cast<ExecStep>(received.report.step), .errno_value = received.report.errno_value};
      return exec_error(plan, failure);
    }
    if (!is_terminal_master(received.descriptor))
      return Error(ErrorKind::kDenied, "exec: /dev/pts/ptmx of the container is no terminal");
    terminal = std::move(received.descriptor);
  }
}

}  // namespace

Result<ExecSession> KeeperClient::exec(const std::string& name, const ExecPlan& plan, int cgroup,
                                       const ExecStreams& streams, std::function<void(const ExecExit&)> exited,
                                       ExecFailure* failure) {
  TRY(check_exec_plan(plan));
  SocketPair pair = TRY(make_seqpacket_pair());
  std::vector<int> descriptors = {cgroup, pair.second.get()};
  if (!plan.terminal)
    descriptors.insert(descriptors.end(), {streams.standard_input, streams.standard_output, streams.standard_error});
  const ExecId id = connection_->expect_session(std::move(exited));
  const std::uint64_t call = connection_->next_id();
  Result<std::string> bytes = protocol::encode_exec(call, name, id, plan);
  FailedStep step;
  Result<Datagram> answer =
      bytes ? connection_->call(call, *bytes, descriptors, &step) : Result<Datagram>(std::move(bytes).error());
  if (!answer) {
    connection_->forget_session(id);
    if (step.in_step && failure != nullptr) *failure = {static_cast<ExecStep>(step.step), step.errno_value};
    return std::move(answer).error();
  }
  pair.second.reset();
  const auto started = TRY(decode_body<protocol::ExecAnswer>(Kind::kDone, answer->bytes));
  if (answer->descriptors.size() != 1) return protocol::malformed(Kind::kExec);
  ExecSession session{.id = id, .process = started.process, .pidfd = PidFd(std::move(answer->descriptors[0])), .terminal = {}};
  connection_->session_started(name, session);

  ExecFailure seen;
  Result<Fd> terminal = await_start(pair.first, plan, seen);
  if (!terminal) {
    connection_->ignore_session(id);
    (void)sys_pidfd_send_signal(session.pidfd.get(), SIGKILL, nullptr, 0);
    if (failure != nullptr) *failure = seen;
    return std::move(terminal).error();
  }
  session.terminal = std::move(terminal).value();
  const int held[] = {session.terminal.get()};
  if (session.terminal) TRY(connection_->call(Kind::kHoldTerminal, protocol::Session{id}, held));
  return session;
}

Result<void> KeeperClient::Connection::change(std::uint64_t id, std::string_view bytes, int mount,
                                              const std::string& object) {
  SocketPair pair = TRY(make_seqpacket_pair());
  std::vector<int> descriptors = {pair.second.get()};
  if (mount >= 0) descriptors.push_back(mount);
  TRY(call(id, bytes, descriptors));
  pair.second.reset();
  const ReceivedReport received = TRY_CONTEXT(object, receive_report(pair.first, kChangeTimeout_ms));
  // Only its alarm, or somebody's kill, ends a worker without a word.
  if (received.ended) return Error(ErrorKind::kTimeout, object + ": the container did not answer within 10 s");
  if (received.report.kind == ReportKind::kDone) return kOk;
  const auto step = static_cast<ChangeStep>(received.report.step);
  return errno_error(received.report.errno_value, object + ": " + std::string(change_step_name(step)));
}

Result<void> KeeperClient::attach_mount(const std::string& name, int mount, const std::string& path, MountPoint point) {
  const std::uint64_t id = connection_->next_id();
  const std::string bytes = protocol::encode(Kind::kAttachMount, id, protocol::ChangePath{name, path, point});
  return connection_->change(id, bytes, mount, "attach mount " + path + " in " + name);
}

Result<void> KeeperClient::detach_mount(const std::string& name, const std::string& path) {
  const std::uint64_t id = connection_->next_id();
  const std::string bytes = protocol::encode(Kind::kDetachMount, id, protocol::ChangePath{name, path});
  return connection_->change(id, bytes, -1, "detach mount " + path + " in " + name);
}

Result<void> KeeperClient::create_device(const std::string& name, const DeviceNode& node) {
  const std::uint64_t id = connection_->next_id();
  const std::string bytes = protocol::encode(Kind::kCreateDevice, id, protocol::CreateDevice{name, node});
  return connection_->change(id, bytes, -1, "create device /dev/" + node.path + " in " + name);
}

Result<void> KeeperClient::remove_device(const std::string& name, const std::string& path) {
  const std::uint64_t id = connection_->next_id();
  const std::string bytes = protocol::encode(Kind::kRemoveDevice, id, protocol::ChangePath{name, path});
  return connection_->change(id, bytes, -1, "remove device /dev/" + path + " in " + name);
}

}  // namespace cella::runtime
