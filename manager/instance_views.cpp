#include "manager/instance_views.h"

#include "cgroups/cpu.h"
#include "cgroups/memory.h"
#include "cgroups/pids.h"
#include "manager/custom_volumes.h"
#include "manager/device_rules.h"
#include "manager/instance_logs.h"
#include "manager/keeper_link.h"
#include "manager/names.h"
#include "manager/networks.h"
#include "manager/pools.h"

namespace cella::manager {
namespace {

// Statistics of a controller that cgroup v2 lacks here are zero, as LXD has them.
std::int64_t value_or_zero(const Result<Bytes>& bytes) {
  return bytes.ok() ? static_cast<std::int64_t>(bytes->value) : 0;
}
std::int64_t value_or_zero(const Result<std::optional<Bytes>>& bytes) {
  return bytes.ok() && *bytes ? static_cast<std::int64_t>((*bytes)->value) : 0;
}

constexpr int kUnknownStatus = 255 << 8;

}  // namespace

Result<InstanceViews::Running> InstanceViews::find_running(const std::string& name) const {
  Running running{TRY(around_.set.find(name)), nullptr};
  running.container = around_.set.running(*running.entry);
  if (running.container == nullptr) return Error(ErrorKind::kInvalid, "Instance is not running");
  return running;
}

Result<InstanceState> InstanceViews::state(const std::string& name) const {
  const auto entry = TRY(around_.set.find(name));
  InstanceState state;
  state.processes = 0;
  Devices devices;
  InstanceRecord record;
  std::shared_ptr<RunningContainer> running;
  {
    std::shared_lock lock(around_.set.mutex());
    state.status = entry->status;
    devices = entry->expanded_devices;
    record = entry->record;
    running = entry->running;
  }
  add_disk(record, devices, state);
  if (running == nullptr) return state;
  state.pid = running->init.pid;
  add_statistics(name, *running, state);
  add_network(name, *running, state);
  return state;
}

void InstanceViews::add_statistics(const std::string&, RunningContainer& running, InstanceState& state) const {
  const auto& cgroup = running.cgroup;
  if (around_.controllers.has(cgroups::Controller::kMemory)) {
    state.memory.usage = value_or_zero(cgroups::read_memory_current(cgroup));
    state.memory.usage_peak = value_or_zero(cgroups::read_memory_peak(cgroup));
    state.memory.swap_usage = value_or_zero(cgroups::read_swap_current(cgroup));
    state.memory.swap_usage_peak = value_or_zero(cgroups::read_swap_peak(cgroup));
  }
  std::lock_guard lock(running.mutex);
  const auto limit = running.limits.memory_max.value_or(around_.host.memory_total);
  state.memory.total = static_cast<std::int64_t>(limit.value);
  if (const auto stat = cgroups::read_cpu_stat(cgroup); stat.ok()) {
    state.cpu_usage_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(stat->usage).count();
  }
  if (const auto processes = cgroups::count_processes(cgroup); processes.ok()) {
    state.processes = static_cast<std::int64_t>(*processes);
  }
}

void InstanceViews::add_network(const std::string& name, RunningContainer& running, InstanceState& state) const {
  std::lock_guard lock(running.mutex);
  if (!running.network) {
    const auto keeper = around_.keeper.client();
    if (!keeper.ok()) return;
    auto socket = (*keeper)->netlink_socket(name);
    if (!socket.ok()) return;
    running.network = netlink::Socket::adopt(*std::move(socket));
  }
  auto networks = read_network_states(*running.network);
  if (!networks.ok()) {
    running.network.reset();  // a socket in doubt is not used again
    return;
  }
  state.network = *std::move(networks);
  for (const auto& nic : running.nics) {
    if (const auto found = state.network.find(nic.interface_name); found != state.network.end()) {
      found->second.host_name = nic.host_name;
    }
  }
}

void InstanceViews::add_disk(const InstanceRecord& record, const Devices& devices, InstanceState& state) const {
  for (const auto& [device, config] : devices) {
    if (device_value(config, "type") != "disk" || device_value(config, "pool").empty()) continue;
    const auto key = around_.volumes.key_for(project_of(record.name), device_value(config, "pool"),
                                             device_value(config, "source"));
    if (const auto usage = around_.volumes.counted_usage(key)) state.disk[device] = {usage->used, usage->total};
  }
  const auto root = find_root_disk(devices);
  if (!root.ok() || *root == nullptr) return;
  const auto usage = around_.pools.root_usage(record.pool, record.name);
  if (usage.ok()) state.disk[(*root)->first] = {usage->used, usage->total};
}

Result<int> InstanceViews::exec_cgroup(const Running& running) const {
  if (!running.container->map) return Error(ErrorKind::kInvalid, "Instance is not running");
  const IdMap& map = *running.container->map;
  const HostId root = map.user_to_host(ContainerId{0}).value_or(HostId{0});
  const HostId root_group = map.group_to_host(ContainerId{0}).value_or(HostId{0});
  std::lock_guard lock(running.container->mutex);
  auto& leaf = running.container->exec_leaf;
  if (!leaf) leaf = TRY(running.container->cgroup.open_exec_leaf(root, root_group));
  return leaf->dir().get();
}

Result<ExecProcess> InstanceViews::exec(const std::string& name, const ExecRequest& request, const int (&stdio)[3],
                                        std::function<void(int wait_status)> on_exit) const {
  if (request.command.empty() || request.command.front().empty()) {
    return Error(ErrorKind::kInvalid, "command: must not be empty");
  }
  const auto running = TRY(find_running(name));
  if (around_.set.status(*running.entry) == StatusCode::kFrozen) return Error(ErrorKind::kInvalid, "Instance is frozen");
  Config config;
  Devices devices;
  {
    std::shared_lock lock(around_.set.mutex());
    config = running.entry->expanded_config;
    devices = running.entry->expanded_devices;
  }
  const auto spec = TRY(build_spec(name, config, {}, around_.host));
  auto plan = plan_exec(request, spec.environment, spec.resource_limits, around_.defaults);
  if (running.container->seccomp == nullptr) return Error(ErrorKind::kInvalid, "Instance is not running");
  plan.seccomp = *running.container->seccomp;
  const auto keeper = TRY(around_.keeper.client());
  const int cgroup = TRY(exec_cgroup(running));
  const runtime::ExecStreams streams{stdio[0], stdio[1], stdio[2]};
  const auto exited = [on_exit = std::move(on_exit)](const runtime::ExecExit& exit) {
    on_exit(exit.wait_status.value_or(kUnknownStatus));
  };
  runtime::ExecFailure failure;
  auto session = keeper->exec(name, plan, cgroup, streams, exited, &failure);
  if (!session.ok() && request.directory.empty() && plan.working_directory != "/" &&
      failure.step == runtime::ExecStep::kWorkingDirectory) {
    // Root's home is a habit, not a promise of the image.
    plan.working_directory = "/";
    session = keeper->exec(name, plan, cgroup, streams, exited, &failure);
  }
  if (!session.ok() && failure.step == runtime::ExecStep::kWorkingDirectory) {
    // Not "not found", which would be told as the command's own absence.
    return invalid_value("cwd", plan.working_directory, session.error().message());
  }
  if (!session.ok()) return std::move(session).error();
  ExecProcess process;
  process.pid = session->process.pid;
  process.pidfd = std::move(session->pidfd);
  process.terminal = std::move(session->terminal);
  return process;
}

Result<ConsoleSession> InstanceViews::console(const std::string& name) const {
  TRY(find_running(name));
  const auto keeper = TRY(around_.keeper.client());
  ConsoleSession session;
  session.stream = TRY(keeper->attach_console(name, runtime::Replay::kBacklog));
  return session;
}

Result<void> InstanceViews::resize_console(const std::string& name, int columns, int rows) const {
  TRY(find_running(name));
  const auto keeper = TRY(around_.keeper.client());
  return keeper->resize_console(name, {static_cast<std::uint16_t>(columns), static_cast<std::uint16_t>(rows)});
}

Result<std::string> InstanceViews::console_log(const std::string& name) const {
  const auto entry = TRY(around_.set.find(name));
  if (around_.set.running(*entry) == nullptr) return around_.logs.console(around_.set.record(*entry).name);
  return TRY(around_.keeper.client())->console_backlog(name);
}

Result<void> InstanceViews::clear_console_log(const std::string& name) const {
  const auto entry = TRY(around_.set.find(name));
  if (around_.set.running(*entry) == nullptr) return around_.logs.clear_console(around_.set.record(*entry).name);
  return TRY(around_.keeper.client())->clear_console_backlog(name);
}

Result<LaunchTrace> InstanceViews::launch_trace(const std::string& name) const {
  const auto entry = TRY(around_.set.find(name));
  std::shared_lock lock(around_.set.mutex());
  if (!entry->trace) return Error(ErrorKind::kNotFound, "instance " + name + " was not started by this daemon");
  return *entry->trace;
}

}  // namespace cella::manager
