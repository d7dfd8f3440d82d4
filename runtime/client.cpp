#include "runtime/client.h"

#include "base/files.h"
#include "runtime/client_connection.h"
#include "runtime/client_start.h"
#include "runtime/protocol_messages.h"
#include "runtime/protocol_plan.h"

namespace cella::runtime {

using protocol::decode_body;
using protocol::Kind;
using protocol::Named;

namespace {

// The answer's only descriptor.
Result<Fd> only_descriptor(Kind kind, Result<Datagram> answer) {
  if (!answer) return std::move(answer).error();
  if (answer->descriptors.size() != 1) return protocol::malformed(kind);
  return std::move(answer->descriptors[0]);
}

}  // namespace

KeeperClient::KeeperClient(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

KeeperClient::~KeeperClient() { connection_->close(); }

Result<std::unique_ptr<KeeperClient>> KeeperClient::open(const KeeperOptions& options, KeeperEvents events) {
  Result<std::shared_ptr<Connection>> connection =
      Connection::open(TRY(connect_keeper(options)), std::move(events));
  if (connection) return std::unique_ptr<KeeperClient>(new KeeperClient(std::move(connection).value()));
  const std::string words = last_words(options);
  if (connection.error().kind() != ErrorKind::kIo || words.empty()) return std::move(connection).error();
  return Error(ErrorKind::kIo, "start keeper: " + words);
}

pid_t KeeperClient::keeper_pid() const { return connection_->keeper_pid(); }

Result<LaunchedContainer> KeeperClient::launch(const std::string& name, const LaunchPlan& plan,
                                               std::span<const int> descriptors, LaunchFailure* failure) {
  const std::uint64_t id = connection_->next_id();
  const std::string bytes = TRY(protocol::encode_launch(id, name, plan));
  FailedStep step;
  Result<Datagram> answer = connection_->call(id, bytes, descriptors, &step);
  if (!answer) {
    if (step.in_step && failure != nullptr)
      *failure = {static_cast<LaunchStep>(step.step), step.errno_value, step.index};
    return std::move(answer).error();
  }
  auto body = TRY(decode_body<protocol::LaunchAnswer>(Kind::kDone, answer->bytes));
  if (answer->descriptors.size() != 1 + std::size_t{body.has_console}) return protocol::malformed(Kind::kLaunch);
  LaunchedContainer launched;
  launched.init = body.init;
  launched.pidfd = PidFd(std::move(answer->descriptors[0]));
  if (body.has_console) launched.console = std::move(answer->descriptors[1]);
  launched.handle = std::move(body.handle);
  launched.timings = body.timings;
  return launched;
}

Result<void> KeeperClient::signal(const std::string& name, int number) {
  TRY(connection_->call(Kind::kSignal, protocol::SignalContainer{name, number}));
  return kOk;
}

Result<void> KeeperClient::signal_session(ExecId id, int number) {
  TRY(connection_->call(Kind::kSignalSession, protocol::SignalSession{id, number}));
  return kOk;
}

Result<void> KeeperClient::acknowledge_exit(const std::string& name, const ProcessIdentity& init) {
  TRY(connection_->call(Kind::kAcknowledgeExit, protocol::Acknowledge{name, init}));
  return kOk;
}

Result<std::vector<ContainerStatus>> KeeperClient::list() {
  std::vector<ContainerStatus> all;
  protocol::ListAfter after;
  for (bool more = true; more;) {
    const Datagram answer = TRY(connection_->call(Kind::kList, after));
    auto listed = TRY(decode_body<protocol::Listed>(Kind::kList, answer.bytes));
    more = listed.more && !listed.containers.empty();
    for (ContainerStatus& status : listed.containers) all.push_back(std::move(status));
    if (more) after = {all.back().name, all.back().init};
  }
  return all;
}

Result<ContainerHandles> KeeperClient::handles(const std::string& name) {
  Datagram answer = TRY(connection_->call(Kind::kHandles, Named{name}));
  const auto body = TRY(decode_body<protocol::Handles>(Kind::kHandles, answer.bytes));
  if (answer.descriptors.size() != 2 + std::size_t{body.has_console}) return protocol::malformed(Kind::kHandles);
  ContainerHandles handles;
  handles.pidfd = PidFd(std::move(answer.descriptors[0]));
  handles.network_namespace = std::move(answer.descriptors[1]);
  if (body.has_console) handles.console = std::move(answer.descriptors[2]);
  handles.init = body.init;
  return handles;
}

Result<Fd> KeeperClient::attach_console(const std::string& name, Replay replay) {
  const protocol::AttachConsole request{name, replay};
  return only_descriptor(Kind::kAttachConsole, connection_->call(Kind::kAttachConsole, request));
}

Result<std::string> KeeperClient::console_backlog(const std::string& name) {
  const Fd file = TRY(only_descriptor(Kind::kConsoleBacklog, connection_->call(Kind::kConsoleBacklog, Named{name})));
  return TRY_CONTEXT("console backlog of " + name, read_to_end(file));
}

Result<void> KeeperClient::clear_console_backlog(const std::string& name) {
  TRY(connection_->call(Kind::kClearBacklog, Named{name}));
  return kOk;
}

Result<void> KeeperClient::resize_console(const std::string& name, ConsoleSize size) {
  TRY(connection_->call(Kind::kResizeConsole, protocol::ResizeConsole{name, size}));
  return kOk;
}

Result<Adoption> KeeperClient::adopt(const AdoptRequest& request) {
  protocol::Adopt body{.name = request.name, .init = request.init, .cgroup = request.cgroup, .handle = request.handle};
  std::vector<int> descriptors;
  body.has_pidfd = request.pidfd >= 0;
  if (body.has_pidfd) descriptors.push_back(request.pidfd);
  body.has_console = request.console >= 0;
  if (body.has_console) descriptors.push_back(request.console);
  const Datagram answer = TRY(connection_->call(Kind::kAdopt, body, descriptors));
  return TRY(decode_body<protocol::Adopted>(Kind::kAdopt, answer.bytes)).outcome;
}

Result<Fd> KeeperClient::netlink_socket(const std::string& name) {
  return only_descriptor(Kind::kNetlinkSocket, connection_->call(Kind::kNetlinkSocket, Named{name}));
}

Result<void> KeeperClient::shutdown(Shutdown how) {
  TRY(connection_->call(Kind::kShutdown, protocol::ShutdownHow{how}));
  return kOk;
}

}  // namespace cella::runtime
