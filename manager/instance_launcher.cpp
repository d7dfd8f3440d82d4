#include "manager/instance_launcher.h"

#include <csignal>

#include "base/rollback.h"
#include "manager/container_devices.h"
#include "manager/database.h"
#include "manager/device_rules.h"
#include "manager/events.h"
#include "manager/guest_sockets.h"
#include "manager/instance_files.h"
#include "manager/instance_logs.h"
#include "manager/instance_templates.h"
#include "manager/keeper_link.h"
#include "manager/kernel_modules.h"
#include "manager/launch_statistics.h"
#include "manager/limit_controllers.h"
#include "manager/names.h"
#include "manager/node_watch.h"
#include "manager/networks.h"
#include "manager/pools.h"
#include "manager/projects.h"
#include "manager/proxies.h"
#include "manager/step_clock.h"
#include "manager/volatile_keys.h"

namespace cella::manager {

std::string cgroup_name(const std::string& instance) { return "lxc.payload." + instance; }

namespace {

constexpr int kMaxCgroupSuffix = 99;

struct NamedCgroup {
  std::string name;
  cgroups::Cgroup cgroup;
};

// "lxc.payload.NAME", or "lxc.payload.NAME-1" and on while another manager's container of that name holds it: LXC
// chooses so too.
Result<NamedCgroup> create_cgroup(const cgroups::Hierarchy& hierarchy, const std::string& instance,
                                  const cgroups::Delegation& to) {
  for (int suffix = 0;; ++suffix) {
    std::string name = cgroup_name(instance) + (suffix == 0 ? "" : "-" + std::to_string(suffix));
    auto made = hierarchy.create(name, to);
    if (made.ok()) return NamedCgroup{std::move(name), *std::move(made)};
    if (made.error().kind() != ErrorKind::kBusy || suffix == kMaxCgroupSuffix) return std::move(made).error();
  }
}

}  // namespace

// Everything one start collects; what it made is on the rollback until the commit.
struct InstanceLauncher::Launch {
  EntryPtr entry;
  InstanceRecord record;
  ContainerSpec spec;
  IdMap map;
  StepClock& clock;
  SeccompProgram seccomp;
  Rollback undo;
  Fd root;
  Fd dev;
  std::vector<PreparedBind> binds;
  std::vector<runtime::DeviceNode> extra_nodes;
  std::vector<NicPlan> nics;
  std::vector<NicRequest> nic_requests;
  std::string cgroup_name;
  std::optional<cgroups::Cgroup> cgroup;
  runtime::LaunchedContainer launched;
};

namespace {

bool is_true(const Config& config, const std::string& key) {
  const auto found = config.find(key);
  return found != config.end() && parse_bool(key, found->second).ok() && *parse_bool(key, found->second);
}

HostId container_root(const IdMap& map) { return map.user_to_host(ContainerId{0}).value_or(HostId{0}); }

std::string find_mac(const Config& config, const std::string& device) {
  const auto found = config.find("volatile." + device + ".hwaddr");
  return found == config.end() ? std::string() : found->second;
}

}  // namespace

// What is to be started, as it was at that moment.
struct InstanceLauncher::Wanted {
  const EntryPtr& entry;
  InstanceRecord record;
  Config config;
  Devices devices;
};

Result<void> InstanceLauncher::start(const EntryPtr& entry) {
  Wanted wanted{entry, {}, {}, {}};
  {
    std::shared_lock lock(around_.set.mutex());
    if (entry->gone) return Error(ErrorKind::kNotFound, "instance " + entry->record.name + " not found");
    if (entry->running != nullptr) return Error(ErrorKind::kInvalid, "The instance is already running");
    wanted.record = entry->record;
    wanted.config = entry->expanded_config;
    wanted.devices = entry->expanded_devices;
  }
  StepClock clock;
  auto outcome = launch(wanted, clock);
  log_launch(wanted.record.name, clock.trace(), outcome);
  return outcome;
}

Result<void> InstanceLauncher::launch(const Wanted& wanted, StepClock& clock) {
  InstanceRecord record = wanted.record;
  if (is_true(wanted.config, "security.protection.start")) {
    return Error(ErrorKind::kInvalid, "instance " + short_name(record.name) + " is protected from being started");
  }
  auto spec = TRY(build_spec(record.name, wanted.config, wanted.devices, around_.host));
  TRY(check_limit_controllers(short_name(record.name), wanted.config, spec, around_.controllers,
                              around_.hierarchy.path()));
  if (!spec.root) return Error(ErrorKind::kInvalid, "instance " + short_name(record.name) + " has no root disk device");
  TRY(load_kernel_modules(spec.security.kernel_modules));
  TRY(settle_id_range(record, wanted.entry, spec.security));
  const IdMap map = TRY(instance_id_map(record.id_base, record.id_size, spec.security.raw_ids));
  Launch launch{wanted.entry, std::move(record), std::move(spec), map, clock};
  return carry_out(launch);
}

Result<void> InstanceLauncher::carry_out(Launch& launch) {
  const EntryPtr& entry = launch.entry;
  launch.seccomp = TRY(around_.seccomp.get(launch.spec.security.seccomp));
  around_.set.change(*entry, [](InstanceEntry& changed) { changed.status = StatusCode::kStarting; });
  launch.undo.add([&] {
    around_.set.change(*launch.entry, [](InstanceEntry& changed) { changed.status = StatusCode::kStopped; });
  });
  // It would hold the root mounted a second time.
  files_.end(*entry);
  TRY(prepare(launch));
  TRY(run(launch));
  TRY(start_proxies(launch));
  return commit(launch);
}

void InstanceLauncher::log_launch(const std::string& instance, const LaunchTrace& trace, const Result<void>& outcome) {
  outcome.ok() ? around_.launches.add(trace) : around_.launches.add_failure();
  const auto written = around_.logs.write_launch(instance, trace, outcome);
  if (!written.ok()) around_.events.log({"warn", written.error().message(), {{"instance", instance}}});
}

// Another range counts from a start on: files are stored with the container's own ids, so nothing else is to be done.
Result<void> InstanceLauncher::settle_id_range(InstanceRecord& record, const EntryPtr& entry,
                                               const SecuritySettings& security) {
  const bool moves = security.ids.base.value_or(record.id_base) != record.id_base || security.ids.size != record.id_size;
  const InstanceRecord present = record;
  if (moves) {
    const auto range = TRY(find_id_range(around_.database, around_.id_windows, record.id, security.ids));
    record.id_base = range.base;
    record.id_size = range.size;
  }
  set_idmap_keys(record.config, TRY(instance_id_map(record.id_base, record.id_size, security.raw_ids)), record.id_base);
  if (record.config == present.config) return kOk;
  auto transaction = TRY(around_.database.begin());
  if (moves) {
    TRY(allocate_id_range(around_.database, around_.id_windows, record.id, {record.id_base, record.id_size}));
  }
  TRY(update_instance(around_.database, present, record));
  TRY(transaction.commit());
  around_.set.change(*entry, [&](InstanceEntry& changed) { changed.record = record; });
  return kOk;
}

Result<void> InstanceLauncher::prepare(Launch& launch) {
  launch.spec.limits.io_max = TRY(resolve_disk_limits(launch.spec.disk_limits, around_.pools, around_.controllers));
  launch.root = TRY(around_.pools.open_root(launch.record.pool, launch.record.name, launch.map));
  launch.clock.done("root");
  TRY(render_templates(launch));
  launch.clock.done("templates");
  TRY(prepare_binds(launch));
  TRY(prepare_dev(launch));
  launch.clock.done("devices");
  TRY(prepare_network(launch));
  launch.clock.done("network");
  TRY(prepare_cgroup(launch));
  launch.clock.done("cgroup");
  return kOk;
}

Result<void> InstanceLauncher::render_templates(Launch& launch) {
  const auto [config, devices] = [&] {
    std::shared_lock lock(around_.set.mutex());
    return std::pair(launch.entry->expanded_config, launch.entry->expanded_devices);
  }();
  std::vector<std::string> triggers;
  // What making or copying the instance has left to be done at its first start.
  if (const auto& first = device_value(launch.record.config, "volatile.apply_template"); !first.empty())
    triggers.push_back(first);
  triggers.emplace_back("start");
  return apply_templates(around_.pools, {launch.record, config, devices, launch.root, launch.map}, triggers);
}

Result<void> InstanceLauncher::prepare_binds(Launch& launch) {
  const Config project = around_.projects.config(project_of(launch.record.name));
  for (const BindMount& bind : launch.spec.binds) {
    auto prepared = TRY(prepare_bind(around_.volumes, project, launch.record.name, bind, launch.map));
    if (prepared) launch.binds.push_back(*std::move(prepared));
  }
  return kOk;
}

Result<void> InstanceLauncher::prepare_dev(Launch& launch) {
  const HostId root = container_root(launch.map);
  runtime::DevFilesystem dev;
  dev.root_user = root;
  dev.root_group = root;
  dev.nodes = runtime::standard_device_nodes(root, root);
  dev.nodes.push_back(runtime::fuse_node(root, root));
  dev.nodes.push_back(runtime::tun_node(root, root));
  for (const UnixNode& node : launch.spec.nodes) {
    if (auto resolved = TRY(resolve_node(node, launch.map))) {
      launch.extra_nodes.push_back(*resolved);
      std::erase_if(dev.nodes, [&](const auto& present) { return present.path == resolved->path; });
      dev.nodes.push_back(*std::move(resolved));
    }
  }
  launch.dev = TRY(runtime::make_dev_filesystem(dev));
  if (!launch.spec.guest_api) return kOk;
  const GuestId id{launch.record.id};
  TRY(around_.guests.open(launch.entry, id, launch.dev, root));
  launch.undo.add([this, id] { around_.guests.close(id); });
  return kOk;
}

Result<void> InstanceLauncher::prepare_network(Launch& launch) {
  for (const Nic& nic : launch.spec.nics) {
    NicRequest request{launch.record.name, nic.device, nic.config, find_mac(launch.record.config, nic.device),
                       nic.position};
    auto plan = TRY(around_.networks.attach(request));
    launch.undo.add([this, request, host_name = plan.host_name] { around_.networks.detach(request, host_name); });
    launch.nics.push_back(std::move(plan));
    launch.nic_requests.push_back(std::move(request));
  }
  return kOk;
}

Result<void> InstanceLauncher::prepare_cgroup(Launch& launch) {
  const HostId root = container_root(launch.map);
  auto made = TRY(create_cgroup(around_.hierarchy, launch.record.name, {root, root}));
  launch.cgroup_name = std::move(made.name);
  launch.cgroup = std::move(made.cgroup);
  launch.undo.add([this, name = launch.cgroup_name] { (void)around_.hierarchy.destroy(name, std::chrono::seconds(2)); });
  if (around_.controllers.has(cgroups::Controller::kCpuset)) {
    launch.spec.limits.cpus = balance_.place(launch.record.name, launch.spec.cpu);
  }
  TRY(cgroups::apply_limits(*launch.cgroup, {}, launch.spec.limits));
  return attach_device_filter(launch);
}

Result<void> InstanceLauncher::attach_device_filter(Launch& launch) {
  if (launch.extra_nodes.empty()) {
    if (!around_.device_filter) {
      return Error(ErrorKind::kUnsupported, "this kernel cannot load device programs (CONFIG_CGROUP_BPF)");
    }
    return around_.device_filter->attach(*launch.cgroup);
  }
  auto rules = cgroups::default_device_rules();
  for (const auto& node : launch.extra_nodes) rules.push_back(device_rule(node));
  const auto filter = TRY(cgroups::DeviceFilter::load(rules));
  return filter.attach(*launch.cgroup);
}

Result<void> InstanceLauncher::run(Launch& launch) {
  std::vector<int> descriptors{launch.root.get(), launch.dev.get(), launch.cgroup->dir().get()};
  std::vector<OpenedBind> places;
  for (const PreparedBind& bind : launch.binds) {
    descriptors.push_back(bind.mount.get());
    places.push_back(bind.place);
  }
  auto plan = plan_container(launch.spec, launch.map, combine(launch.nics), places, around_.defaults);
  plan.seccomp = *launch.seccomp;
  launch.clock.done("plan");
  const auto keeper = TRY(around_.keeper.client());
  launch.launched = TRY(keeper->launch(launch.record.name, plan, descriptors));
  launch.clock.done("launch");
  const auto& step_ns = launch.launched.timings.step_ns;
  for (std::size_t step = 0; step < step_ns.size(); ++step) {
    if (step_ns[step] == 0) continue;
    launch.clock.add("launch: " + std::string(runtime::launch_step_name(static_cast<runtime::LaunchStep>(step))),
                     static_cast<std::int64_t>(step_ns[step]));
  }
  launch.undo.add([keeper, name = launch.record.name] { (void)keeper->signal(name, SIGKILL); });
  return kOk;
}

Result<void> InstanceLauncher::start_proxies(Launch& launch) {
  if (launch.spec.proxies.empty()) return kOk;
  const auto keeper = TRY(around_.keeper.client());
  const auto handles = TRY(keeper->handles(launch.record.name));
  const ProxyPlace place{launch.record.id, handles.pidfd, handles.network_namespace, launch.spec.nics};
  for (const ProxySettings& proxy : launch.spec.proxies) {
    TRY_CONTEXT("device " + proxy.device, around_.proxies.start(place, proxy));
    launch.undo.add([this, id = launch.record.id, device = proxy.device] { (void)around_.proxies.stop(id, device).ok(); });
  }
  launch.clock.done("proxies");
  return kOk;
}

Result<void> InstanceLauncher::commit(Launch& launch) {
  InstanceRecord next = launch.record;
  next.last_used_at = std::chrono::system_clock::now();
  next.config["volatile.last_state.power"] = "RUNNING";
  next.config.erase("volatile.apply_template");
  next.config["volatile.idmap.current"] = idmap_text(launch.map);
  std::shared_ptr<RunningContainer> running(new RunningContainer{
      launch.launched.init, std::move(launch.launched.pidfd), std::move(launch.launched.console),
      *std::move(launch.cgroup), launch.cgroup_name, launch.map, launch.seccomp});
  running->limits = launch.spec.limits;
  running->cpu = launch.spec.cpu;
  for (std::size_t i = 0; i < launch.nics.size(); ++i) {
    const auto& nic = launch.nics[i];
    next.config["volatile." + launch.nic_requests[i].device + ".host_name"] = nic.host_name;
    if (device_value(launch.nic_requests[i].config, "name").empty()) {
      next.config["volatile." + launch.nic_requests[i].device + ".name"] = nic.interface_name;
    }
    running->nics.push_back({launch.nic_requests[i], nic.host_name, nic.interface_name});
  }
  next.run = RunRecord{running->init, running->cgroup_name, launch.launched.handle};
  {
    auto transaction = TRY(around_.database.begin());
    TRY(update_instance(around_.database, launch.record, next));
    TRY(write_run(around_.database, next.id, *next.run));
    TRY(transaction.commit());
  }
  launch.clock.done("commit");
  launch.undo.commit();
  around_.set.change(*launch.entry, [&](InstanceEntry& entry) {
    entry.record = next;
    entry.running = running;
    entry.status = StatusCode::kRunning;
    entry.trace = launch.clock.trace();
    entry.intent = StopIntent::kNone;
    entry.last_failure.clear();
  });
  if (auto optional = optional_sources(launch.spec); !optional.empty()) {
    const auto watched = around_.nodes.set(launch.record.id, std::move(optional));
    if (!watched.ok()) around_.events.log({"warn", watched.error().message(), {{"instance", launch.record.name}}});
  }
  return kOk;
}

// The keeper forgets it with the container.
void InstanceLauncher::save_console(const std::string& instance) {
  const auto save = [&]() -> Result<void> {
    const auto keeper = TRY(around_.keeper.client());
    return around_.logs.write_console(instance, TRY(keeper->console_backlog(instance)));
  };
  const auto saved = save();
  // A container that the keeper no longer knows has no console left to save.
  if (!saved.ok() && saved.error().kind() != ErrorKind::kNotFound) {
    around_.events.log({"warn", "cannot save the console's log: " + saved.error().message(), {{"instance", instance}}});
  }
}

void InstanceLauncher::finish(const EntryPtr& entry, Next next_state) {
  const auto record = around_.set.record(*entry);
  const auto running = around_.set.running(*entry);
  if (running == nullptr) return;
  files_.end(*entry);
  save_console(record.name);
  around_.guests.close({record.id});
  around_.proxies.stop_all(record.id);
  (void)around_.nodes.set(record.id, {}).ok();
  for (const auto& nic : running->nics) around_.networks.detach(nic.request, nic.host_name);
  InstanceRecord next = record;
  clear_run_keys(next.config);
  if (next_state == Next::kStopped) set_stopped_keys(next.config);
  next.run.reset();
  const auto store = [&]() -> Result<void> {
    auto transaction = TRY(around_.database.begin());
    TRY(update_instance(around_.database, record, next));
    TRY(remove_run(around_.database, record.id));
    return transaction.commit();
  };
  const auto stored = store();
  if (stored.ok()) {
    if (const auto keeper = around_.keeper.client(); keeper.ok()) {
      (void)(*keeper)->acknowledge_exit(record.name, running->init);
    }
  } else {
    around_.events.log({"eror", "cannot record the end of a run: " + stored.error().message(),
                        {{"instance", record.name}}});
  }
  // Before the waiters wake: whoever starts the instance next finds the name free, and a lister sees no trace of it.
  const auto destroyed = around_.hierarchy.destroy(running->cgroup_name, std::chrono::seconds(5));
  if (!destroyed.ok()) {
    around_.events.log({"warn", destroyed.error().message(), {{"instance", record.name}}});
  }
  around_.set.change(*entry, [&](InstanceEntry& changed) {
    changed.record = next;
    changed.running.reset();
    changed.status = next_state == Next::kRestarts ? StatusCode::kStarting : StatusCode::kStopped;
  });
  balance_.rebalance();
}

}  // namespace cella::manager
