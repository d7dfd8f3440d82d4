// Requests that make processes: launch, exec, adoption, changes inside a container.
#include <algorithm>
#include <csignal>
#include <sys/wait.h>

#include "base/syscalls.h"
#include "runtime/adopt.h"
#include "runtime/exec_change.h"
#include "runtime/keeper.h"
#include "runtime/launch.h"
#include "runtime/protocol_plan.h"

namespace cella::runtime {

using protocol::decode_body;
using protocol::Kind;

namespace {

constexpr std::size_t kMaxWorkers = 64;

template <typename Failure>
Answer step_failed(const protocol::Header& header, const Error& error, const Failure& failure, std::uint32_t index) {
  protocol::Failed failed;
  failed.kind = error.kind();
  failed.errno_value = failure.errno_value;
  failed.in_step = true;
  failed.step = static_cast<std::uint32_t>(failure.step);
  failed.index = index;
  failed.text = error.what();
  return Answer(protocol::encode(Kind::kFailed, header.id, failed));
}

std::vector<int> numbers_of(const std::vector<Fd>& descriptors) {
  std::vector<int> numbers;
  for (const Fd& fd : descriptors) numbers.push_back(fd.get());
  return numbers;
}

Result<void> expect_descriptors(const Datagram& request, std::size_t count) {
  if (request.descriptors.size() == count) return kOk;
  return Error(ErrorKind::kInvalid, "keeper request: " + std::to_string(request.descriptors.size()) +
                                        " descriptors, expected " + std::to_string(count));
}

// The keeper raised its own limit; a child must not inherit that.
void add_descriptor_limit(std::vector<ResourceLimit>& limits, const rlimit& value) {
  const auto is_set = [](const ResourceLimit& limit) { return limit.resource == RLIMIT_NOFILE; };
  if (std::any_of(limits.begin(), limits.end(), is_set)) return;
  limits.push_back({.resource = RLIMIT_NOFILE, .soft = value.rlim_cur, .hard = value.rlim_max});
}

// Ends a process that cannot be kept after all.
void abandon(const PidFd& process, pid_t pid) {
  (void)sys_pidfd_send_signal(process.get(), SIGKILL, nullptr, 0);
  (void)::waitpid(pid, nullptr, __WALL);
}

}  // namespace

Keeper::Served Keeper::launch_container(Request request) {
  protocol::LaunchRequest wanted = TRY(protocol::decode_launch(request.datagram.bytes));
  TRY(check_container_name(wanted.name));
  TRY(check_launch_plan(wanted.plan, request.datagram.descriptors.size()));
  if (registry_.find_running(wanted.name) != nullptr)
    return Error(ErrorKind::kExists, "container " + wanted.name + " runs already");
  add_descriptor_limit(wanted.plan.resource_limits, container_descriptors_);
  TRY(home_.return_home());

  LaunchBase base;
  base.procfs = &procfs_;
  base.route_socket = &route_socket_;
  auto outcome = launch(wanted.plan, numbers_of(request.datagram.descriptors), base);
  if (const auto* failure = std::get_if<LaunchFailure>(&outcome))
    return step_failed(request.header, launch_error(wanted.plan, *failure), *failure, failure->index);

  Launched& launched = std::get<Launched>(outcome);
  auto record = std::make_unique<ContainerRecord>();
  record->name = wanted.name;
  const Result<std::uint64_t> start_time = read_start_time(procfs_, launched.pid);
  record->init = {.pid = launched.pid, .start_time = start_time ? *start_time : 0};
  protocol::LaunchAnswer body;
  body.init = record->init;
  body.timings = launched.timings;
  body.handle = read_pid_handle(launched.pidfd);
  body.has_console = launched.console_master.valid();
  Result<ContainerRecord*> kept = start_time ? keep(std::move(record), std::move(launched.console_master))
                                             : Result<ContainerRecord*>(start_time.error());
  if (!kept) {
    abandon(launched.pidfd, launched.pid);
    return std::move(kept).error();
  }
  if (const auto watched = watch_init(**kept, std::move(launched.pidfd), Parent::kSelf); !watched) {
    registry_.remove(**kept);
    return watched.error();
  }
  Answer answer(protocol::encode(Kind::kDone, request.header.id, body));
  answer.lend((*kept)->watch->process());
  if (body.has_console) answer.lend((*kept)->console->master());
  return answer;
}

Result<ContainerRecord*> Keeper::keep(std::unique_ptr<ContainerRecord> record, Fd console) {
  if (console) record->console = TRY(Console::create(loop_, std::move(console)));
  return registry_.add(std::move(record));
}

Result<void> Keeper::watch_init(ContainerRecord& record, PidFd process, Parent parent) {
  record.watch = std::make_unique<ProcessWatch>(loop_, procfs_, std::move(process), record.init, parent);
  const auto started = record.watch->start([this, &record](std::optional<int> status) { init_ended(record, status); });
  if (!started && parent == Parent::kSelf) abandon(record.watch->process(), record.init.pid);
  return started;
}

Keeper::Served Keeper::exec_session(Request request) {
  protocol::ExecRequest wanted = TRY(protocol::decode_exec(request.datagram.bytes));
  TRY(check_exec_plan(wanted.plan));
  TRY(expect_descriptors(request.datagram, wanted.plan.terminal ? 2 : 5));
  ContainerRecord* container = TRY(running(wanted.name));
  if (registry_.find_session(wanted.id) != nullptr)
    return Error(ErrorKind::kExists, "session " + std::to_string(wanted.id.value) + " exists already");
  add_descriptor_limit(wanted.plan.resource_limits, container_descriptors_);

  const std::vector<int> numbers = numbers_of(request.datagram.descriptors);
  ExecDescriptors descriptors{.cgroup = numbers[0], .report = numbers[1]};
  for (std::size_t i = 2; i < numbers.size(); ++i) descriptors.streams[i - 2] = numbers[i];
  auto outcome = start_exec(wanted.plan, descriptors, container->watch->process(), home_, procfs_);
  if (const auto* failure = std::get_if<ExecFailure>(&outcome))
    return step_failed(request.header, exec_error(wanted.plan, *failure), *failure, 0);

  StartedProcess& started = std::get<StartedProcess>(outcome);
  auto record = std::make_unique<SessionRecord>();
  record->id = wanted.id;
  record->container = wanted.name;
  const Result<std::uint64_t> start_time = read_start_time(procfs_, started.pid);
  record->process = {.pid = started.pid, .start_time = start_time ? *start_time : 0};
  SessionRecord* kept = TRY(registry_.add_session(std::move(record)));
  if (const auto watched = watch_session(*kept, std::move(started.pidfd)); !watched) {
    registry_.remove_session(wanted.id);
    return watched.error();
  }
  Answer answer(protocol::encode(Kind::kDone, request.header.id, protocol::ExecAnswer{kept->process}));
  answer.lend(kept->watch->process());
  return answer;
}

Result<void> Keeper::watch_session(SessionRecord& record, PidFd process) {
  record.watch = std::make_unique<ProcessWatch>(loop_, procfs_, std::move(process), record.process, Parent::kSelf);
  const auto started = record.watch->start([this, &record](std::optional<int> status) { session_ended(record, status); });
  if (!started) abandon(record.watch->process(), record.process.pid);
  return started;
}

Keeper::Served Keeper::hold_terminal(Request request) {
  const auto wanted = TRY(decode_body<protocol::Session>(request.header.kind, request.datagram.bytes));
  TRY(expect_descriptors(request.datagram, 1));
  SessionRecord* session = registry_.find_session(wanted.id);
  if (session != nullptr && !session->exited) session->terminal = std::move(request.datagram.descriptors[0]);
  return done(request);
}

Keeper::Served Keeper::adopt(Request request) {
  const auto wanted = TRY(decode_body<protocol::Adopt>(request.header.kind, request.datagram.bytes));
  TRY(check_container_name(wanted.name));
  TRY(expect_descriptors(request.datagram, std::size_t{wanted.has_pidfd} + std::size_t{wanted.has_console}));
  if (!wanted.has_pidfd && wanted.cgroup.empty()) return Error(ErrorKind::kInvalid, "adopt: neither pidfd nor cgroup given");
  const auto answer = [&](Adoption outcome) {
    return Answer(protocol::encode(Kind::kDone, request.header.id, protocol::Adopted{outcome}));
  };
  if (registry_.find(wanted.name, wanted.init) != nullptr) return answer(Adoption::kAlreadyKnown);

  auto& descriptors = request.datagram.descriptors;
  std::optional<PidFd> process;
  if (wanted.has_pidfd)
    process = PidFd(std::move(descriptors[0]));
  else
    process = TRY(find_recorded_init(procfs_, {wanted.init, wanted.cgroup, wanted.handle}));
  if (!process) return answer(Adoption::kGone);
  auto record = std::make_unique<ContainerRecord>();
  record->name = wanted.name;
  record->init = wanted.init;
  record->adopted = true;
  ContainerRecord* kept = TRY(keep(std::move(record), wanted.has_console ? std::move(descriptors.back()) : Fd()));
  if (const auto watched = watch_init(*kept, std::move(*process), Parent::kOther); !watched) {
    registry_.remove(*kept);
    return watched.error();
  }
  return answer(Adoption::kAdopted);
}

Keeper::Served Keeper::change_container(Request request) {
  const Kind kind = request.header.kind;
  std::string name;
  ContainerChange change;
  if (kind == Kind::kCreateDevice) {
    auto wanted = TRY(decode_body<protocol::CreateDevice>(kind, request.datagram.bytes));
    name = std::move(wanted.name);
    change = DeviceCreation{std::move(wanted.node)};
  } else {
    auto wanted = TRY(decode_body<protocol::ChangePath>(kind, request.datagram.bytes));
    name = std::move(wanted.name);
    if (kind == Kind::kAttachMount) change = MountAttachment{std::move(wanted.path), wanted.point};
    if (kind == Kind::kDetachMount) change = MountDetachment{std::move(wanted.path)};
    if (kind == Kind::kRemoveDevice) change = DeviceRemoval{std::move(wanted.path)};
  }
  TRY(check_change(change));
  TRY(expect_descriptors(request.datagram, kind == Kind::kAttachMount ? 2 : 1));
  if (auto* attachment = std::get_if<MountAttachment>(&change)) attachment->mount = request.datagram.descriptors[1].get();
  const ContainerRecord* container = TRY(running(name));
  if (workers_.size() >= kMaxWorkers) return Error(ErrorKind::kBusy, "change " + name + ": 64 changes are under way");
  TRY(home_.return_home());
  TRY(watch_worker(TRY(start_change(change, container->watch->process(), request.datagram.descriptors[0].get()))));
  return done(request);
}

Result<void> Keeper::watch_worker(StartedProcess worker) {
  const pid_t pid = worker.pid;
  auto watch = std::make_unique<ProcessWatch>(loop_, procfs_, std::move(worker.pidfd), ProcessIdentity{.pid = pid}, Parent::kSelf);
  const auto started = watch->start([this, pid](std::optional<int>) { workers_.erase(pid); });
  if (!started) {
    abandon(watch->process(), pid);
    return started;
  }
  workers_[pid] = std::move(watch);
  return kOk;
}

}  // namespace cella::runtime
