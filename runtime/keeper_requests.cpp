// Requests that ask or tell, and make no process.
#include <fcntl.h>

#include "runtime/keeper.h"

namespace cella::runtime {

using protocol::decode_body;
using protocol::Kind;

namespace {

constexpr std::size_t kPage = 128;  // containers in one answer; each takes less than 600 bytes

Error no_container(const std::string& name) {
  return Error(ErrorKind::kNotFound, "container " + name + " does not run");
}

}  // namespace

Result<ContainerRecord*> Keeper::running(const std::string& name) {
  ContainerRecord* record = registry_.find_running(name);
  if (record == nullptr) return no_container(name);
  return record;
}

Result<Console*> Keeper::console_of(const std::string& name) {
  const ContainerRecord* record = registry_.find_latest(name);
  if (record == nullptr) return no_container(name);
  if (!record->console) return Error(ErrorKind::kNotFound, "container " + name + " has no console");
  return record->console.get();
}

Keeper::Served Keeper::list(Request request) {
  const auto after = TRY(decode_body<protocol::ListAfter>(request.header.kind, request.datagram.bytes));
  const auto records = registry_.after(after.name, after.init, kPage);
  protocol::Listed listed;
  listed.more = records.size() == kPage;
  for (const ContainerRecord* record : records) {
    ContainerStatus status;
    status.name = record->name;
    status.init = record->init;
    status.exited = record->exited;
    status.wait_status = record->wait_status;
    status.has_console = record->console != nullptr;
    status.adopted = record->adopted;
    status.sessions = registry_.running_sessions(record->name);
    const Result<std::string> cgroup =
        record->exited ? Result<std::string>(std::string()) : read_cgroup(procfs_, record->init.pid);
    // It may have ended a moment ago; the event tells.
    if (cgroup && cgroup->size() <= 300) status.cgroup = *cgroup;
    listed.containers.push_back(std::move(status));
  }
  return Answer(protocol::encode(Kind::kDone, request.header.id, listed));
}

Keeper::Served Keeper::handles(Request request) {
  const auto wanted = TRY(decode_body<protocol::Named>(request.header.kind, request.datagram.bytes));
  const ContainerRecord* record = TRY(running(wanted.name));
  Fd network = TRY_CONTEXT("network namespace of " + wanted.name,
                           open_at(procfs_, std::to_string(record->init.pid) + "/ns/net", O_RDONLY));
  // An adopted init is reaped by others: only a living one proves that the pid still meant it.
  TRY_CONTEXT("network namespace of " + wanted.name, record->watch->signal(0));
  const bool has_console = record->console != nullptr;
  Answer answer(protocol::encode(Kind::kDone, request.header.id, protocol::Handles{record->init, has_console}));
  answer.lend(record->watch->process());
  answer.give(std::move(network));
  if (has_console) answer.lend(record->console->master());
  return answer;
}

Keeper::Served Keeper::signal(Request request) {
  const auto wanted = TRY(decode_body<protocol::SignalContainer>(request.header.kind, request.datagram.bytes));
  const ContainerRecord* record = TRY(running(wanted.name));
  TRY_CONTEXT("container " + wanted.name, record->watch->signal(wanted.number));
  return done(request);
}

Keeper::Served Keeper::signal_session(Request request) {
  const auto wanted = TRY(decode_body<protocol::SignalSession>(request.header.kind, request.datagram.bytes));
  const SessionRecord* session = registry_.find_session(wanted.id);
  if (session == nullptr || session->exited)
    return Error(ErrorKind::kNotFound, "session " + std::to_string(wanted.id.value) + " does not run");
  TRY(session->watch->signal(wanted.number));
  return done(request);
}

Keeper::Served Keeper::acknowledge(Request request) {
  const auto wanted = TRY(decode_body<protocol::Acknowledge>(request.header.kind, request.datagram.bytes));
  const ContainerRecord* record = registry_.find(wanted.name, wanted.init);
  if (record != nullptr && !record->exited)
    return Error(ErrorKind::kExists, "container " + wanted.name + " has not ended");
  if (record != nullptr) registry_.remove(*record);
  return done(request);
}

Keeper::Served Keeper::acknowledge_session(Request request) {
  const auto wanted = TRY(decode_body<protocol::Session>(request.header.kind, request.datagram.bytes));
  const SessionRecord* session = registry_.find_session(wanted.id);
  if (session != nullptr && !session->exited)
    return Error(ErrorKind::kExists, "session " + std::to_string(wanted.id.value) + " has not ended");
  registry_.remove_session(wanted.id);
  return done(request);
}

Keeper::Served Keeper::attach_console(Request request) {
  const auto wanted = TRY(decode_body<protocol::AttachConsole>(request.header.kind, request.datagram.bytes));
  TRY(running(wanted.name));
  Console* console = TRY(console_of(wanted.name));
  Answer answer = TRY(done(request));
  answer.give(TRY_CONTEXT("container " + wanted.name, console->attach(wanted.replay)));
  return answer;
}

Keeper::Served Keeper::console_backlog(Request request) {
  const auto wanted = TRY(decode_body<protocol::Named>(request.header.kind, request.datagram.bytes));
  const Console* console = TRY(console_of(wanted.name));
  Answer answer = TRY(done(request));
  answer.give(TRY_CONTEXT("container " + wanted.name, console->backlog()));
  return answer;
}

Keeper::Served Keeper::clear_backlog(Request request) {
  const auto wanted = TRY(decode_body<protocol::Named>(request.header.kind, request.datagram.bytes));
  TRY(console_of(wanted.name))->clear();
  return done(request);
}

Keeper::Served Keeper::resize_console(Request request) {
  const auto wanted = TRY(decode_body<protocol::ResizeConsole>(request.header.kind, request.datagram.bytes));
  Console* console = TRY(console_of(wanted.name));
  TRY_CONTEXT("container " + wanted.name, console->resize(wanted.size));
  return done(request);
}

Keeper::Served Keeper::netlink_socket(Request request) {
  const auto wanted = TRY(decode_body<protocol::Named>(request.header.kind, request.datagram.bytes));
  const ContainerRecord* record = TRY(running(wanted.name));
  const Fd network = TRY_CONTEXT("network namespace of " + wanted.name,
                                 open_at(procfs_, std::to_string(record->init.pid) + "/ns/net", O_RDONLY));
  TRY_CONTEXT("network namespace of " + wanted.name, record->watch->signal(0));
  Answer answer = TRY(done(request));
  answer.give(TRY_CONTEXT("container " + wanted.name, home_.route_socket_in(network)));
  return answer;
}

Keeper::Served Keeper::shut_down(Request request) {
  const auto wanted = TRY(decode_body<protocol::ShutdownHow>(request.header.kind, request.datagram.bytes));
  if (wanted.how == Shutdown::kWhenEmpty && !registry_.empty())
    return Error(ErrorKind::kBusy, "keeper has containers, sessions or exits that nobody acknowledged");
  stopping_ = true;
  return done(request);
}

Keeper::Served Keeper::done(Request request) {
  return Answer(protocol::encode(Kind::kDone, request.header.id, protocol::Nothing{}));
}

}  // namespace cella::runtime
