#include "runtime/keeper.h"

#include <cerrno>
#include <new>

#include "runtime/launch_network.h"

namespace cella::runtime {

using protocol::Kind;

Keeper::Keeper(KeeperSetting setting, EventLoop loop, HomeNamespaces home, Fd route_socket)
    : loop_(std::move(loop)),
      procfs_(std::move(setting.procfs)),
      container_descriptors_(setting.container_descriptors),
      home_(std::move(home)),
      route_socket_(std::move(route_socket)),
      link_(loop_, *this, std::move(setting.listener)) {}

Keeper::~Keeper() = default;

Result<std::unique_ptr<Keeper>> Keeper::create(KeeperSetting setting) {
  EventLoop loop = TRY(EventLoop::create());
  HomeNamespaces home = TRY(HomeNamespaces::open(setting.procfs));
  Fd route_socket(open_route_socket());
  if (!route_socket) return errno_error(errno, "create route socket");
  std::unique_ptr<Keeper> keeper(
      new Keeper(std::move(setting), std::move(loop), std::move(home), std::move(route_socket)));
  TRY(keeper->link_.start());
  return keeper;
}

Result<void> Keeper::run() {
  while (!stopping_) {
    try {
      TRY(loop_.run_once(std::nullopt));
    } catch (const std::bad_alloc&) {
      // Level-triggered: what could not be handled now comes again. Dying would cost every console.
    }
  }
  return kOk;
}

Answer Keeper::answer(const protocol::Header& header, Datagram& request) {
  protocol::Failed failed;
  try {
    Served served = serve({header, request});
    if (served) return std::move(served).value();
    failed.kind = served.error().kind();
    failed.errno_value = served.error().errno_value();
    failed.text = served.error().what();
  } catch (const std::bad_alloc&) {
    // A request too big for memory must not end the parent of all containers.
    failed.kind = ErrorKind::kNoSpace;
    failed.text = "keeper: out of memory";
  }
  return Answer(protocol::encode(Kind::kFailed, header.id, failed));
}

Keeper::Served Keeper::serve(Request request) {
  switch (request.header.kind) {
    case Kind::kLaunch: return launch_container(request);
    case Kind::kExec: return exec_session(request);
    case Kind::kHoldTerminal: return hold_terminal(request);
    case Kind::kSignal: return signal(request);
    case Kind::kSignalSession: return signal_session(request);
    case Kind::kAcknowledgeExit: return acknowledge(request);
    case Kind::kAcknowledgeSession: return acknowledge_session(request);
    case Kind::kList: return list(request);
    case Kind::kHandles: return handles(request);
    case Kind::kAttachConsole: return attach_console(request);
    case Kind::kConsoleBacklog: return console_backlog(request);
    case Kind::kClearBacklog: return clear_backlog(request);
    case Kind::kResizeConsole: return resize_console(request);
    case Kind::kAdopt: return adopt(request);
    case Kind::kAttachMount:
    case Kind::kDetachMount:
    case Kind::kCreateDevice:
    case Kind::kRemoveDevice: return change_container(request);
    case Kind::kNetlinkSocket: return netlink_socket(request);
    case Kind::kShutdown: return shut_down(request);
    case Kind::kHello:
    case Kind::kDone:
    case Kind::kFailed:
    case Kind::kContainerExited:
    case Kind::kSessionExited: break;
  }
  return Error(ErrorKind::kInvalid,
               "keeper: unknown request " + std::to_string(static_cast<unsigned>(request.header.kind)));
}

void Keeper::daemon_arrived() {
  for (const auto& [key, record] : registry_.containers())
    if (record->exited) announce(*record);
  for (const auto& [id, record] : registry_.sessions())
    if (record->exited) announce(*record);
}

void Keeper::daemon_left() {
  for (const auto& [id, record] : registry_.sessions()) {
    if (record->exited || !record->terminal || drains_.contains(id)) continue;
    if (auto drain = Drain::create(loop_, record->terminal)) drains_[id] = std::move(*drain);
  }
}

void Keeper::init_ended(ContainerRecord& record, std::optional<int> wait_status) {
  record.exited = true;
  record.wait_status = wait_status;
  record.watch.reset();
  if (record.console) record.console->finish();
  announce(record);
}

void Keeper::session_ended(SessionRecord& record, std::optional<int> wait_status) {
  record.exited = true;
  record.wait_status = wait_status;
  record.watch.reset();
  drains_.erase(record.id.value);
  record.terminal.reset();
  announce(record);
}

void Keeper::announce(const ContainerRecord& record) {
  const ContainerExit exit{.name = record.name, .init = record.init, .wait_status = record.wait_status};
  link_.push(protocol::encode(Kind::kContainerExited, 0, exit));
}

void Keeper::announce(const SessionRecord& record) {
  const ExecExit exit{.id = record.id, .container = record.container, .wait_status = record.wait_status};
  link_.push(protocol::encode(Kind::kSessionExited, 0, exit));
}

}  // namespace cella::runtime
