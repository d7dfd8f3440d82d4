// The table behind key_rules(). Source of names and meanings: LXD 5.0 doc/instances.md.
#include <algorithm>
#include <array>
#include <limits>

#include "base/units.h"
#include "cgroups/notation.h"
#include "manager/config_keys.h"
#include "manager/container_spec.h"
#include "manager/cron.h"
#include "manager/kernel_modules.h"
#include "manager/rlimits.h"
#include "manager/snapshot_names.h"
#include "manager/value_checks.h"

namespace cella::manager {
namespace {

using View = std::string_view;

// Stands for a range that is not chosen yet: far from any id that a user would map.
constexpr std::uint32_t kFirstCheckedId = 0xf0000000;

Result<void> check_integer(View key, View value) {
  const auto number = TRY(parse_signed(key, value));
  if (number < std::numeric_limits<std::int32_t>::min() || number > std::numeric_limits<std::int32_t>::max()) {
    return invalid_value(key, value, "is out of range");
  }
  return kOk;
}
Result<void> check_cpu(View key, View value) {
  TRY(cgroups::parse_cpu_request(key, value));
  return kOk;
}
Result<void> check_allowance(View key, View value) {
  TRY(cgroups::parse_cpu_allowance(key, value));
  return kOk;
}
Result<void> check_priority(View key, View value) {
  TRY(cgroups::parse_priority(key, value));
  return kOk;
}
Result<void> check_memory(View key, View value) {
  TRY(cgroups::parse_memory_request(key, value, Bytes{std::uint64_t{1} << 40}));
  return kOk;
}
Result<void> check_enforce(View key, View value) {
  TRY(cgroups::parse_memory_enforce(key, value));
  return kOk;
}
Result<void> check_processes(View key, View value) {
  TRY(cgroups::parse_processes(key, value));
  return kOk;
}
Result<void> check_hugepages(View key, View value) {
  TRY(cgroups::parse_hugepages(key, value));
  return kOk;
}
Result<void> check_rlimit(View key, View value) {
  TRY(parse_rlimit(key, value));
  return kOk;
}
Result<void> check_environment(View key, View value) {
  const View name = key.substr(View("environment.").size());
  if (name.find('=') != View::npos || value.find('\0') != View::npos) {
    return invalid_value(key, value, "is not a valid environment variable");
  }
  return kOk;
}
Result<void> check_sysctl(View key, View value) {
  const View name = key.substr(View("linux.sysctl.").size());
  if (name.find("..") != View::npos || name.front() == '/' || name.front() == '.' || value.find('\0') != View::npos) {
    return invalid_value(key, value, "is not a valid sysctl");
  }
  return kOk;
}
Result<void> check_swap(View key, View value) {
  TRY(parse_swap(key, value));
  return kOk;
}
Result<void> check_modules(View key, View value) {
  TRY(parse_kernel_modules(key, value));
  return kOk;
}
Result<void> check_raw_ids(View key, View value) {
  const auto raw = TRY(parse_raw_idmap(key, value));
  TRY(instance_id_map(kFirstCheckedId, kRangeSize, raw));
  return kOk;
}
Result<void> check_only_true(View key, View value) {
  if (!TRY(parse_bool(key, value))) {
    return Error(ErrorKind::kUnsupported,
                 "key " + std::string(key) + " cannot be false: every instance has an id range of its own");
  }
  return kOk;
}
Result<void> check_only_false(View key, View value) {
  if (TRY(parse_bool(key, value))) {
    return Error(ErrorKind::kUnsupported,
                 "key " + std::string(key) + " cannot be true: instances are always unprivileged");
  }
  return kOk;
}

constexpr View kGuestApi = "the guest API is /dev/lxd, switched by security.devlxd";
constexpr View kIntercept = "system call interception is not implemented";
constexpr View kMigration = "live migration is not implemented";
constexpr View kNvidia = "NVIDIA runtime passthrough is not implemented";
constexpr View kNoCluster = "this server is not part of a cluster";
constexpr View kRaw = "raw configuration of another runtime has no meaning here";
constexpr View kBpf = "BPF delegation is not implemented";
constexpr View kVirtualMachine = "it is for virtual machines only";
constexpr View kOci = "application containers are not implemented";

constexpr Live kNow = Live::kNow;
constexpr Live kNext = Live::kNextStart;

constexpr std::array kRules{
    KeyRule{"boot.autostart", kNow, check_bool},
    KeyRule{"boot.autostart.delay", kNow, check_count},
    KeyRule{"boot.autostart.priority", kNow, check_integer},
    KeyRule{"boot.host_shutdown_timeout", kNow, check_count},
    KeyRule{"boot.stop.priority", kNow, check_integer},
    KeyRule{"boot.*", kNext, nullptr, "cella does not implement it"},
    KeyRule{"environment.*", kNow, check_environment},
    KeyRule{"image.*", kNow},
    KeyRule{"limits.cpu", kNow, check_cpu},
    KeyRule{"limits.cpu.allowance", kNow, check_allowance},
    KeyRule{"limits.cpu.nodes", kNext, nullptr, "NUMA placement is not implemented"},
    KeyRule{"limits.cpu.priority", kNow, check_priority},
    KeyRule{"limits.cpu.pin_strategy", kNext, nullptr, kVirtualMachine},
    KeyRule{"limits.disk.priority", kNow, check_priority},
    KeyRule{"limits.hugepages.64KB", kNow, check_hugepages},
    KeyRule{"limits.hugepages.1MB", kNow, check_hugepages},
    KeyRule{"limits.hugepages.2MB", kNow, check_hugepages},
    KeyRule{"limits.hugepages.1GB", kNow, check_hugepages},
    KeyRule{"limits.kernel.*", kNext, check_rlimit},
    KeyRule{"limits.memory", kNow, check_memory},
    KeyRule{"limits.memory.enforce", kNow, check_enforce},
    KeyRule{"limits.memory.swap", kNow, check_swap},
    KeyRule{"limits.memory.swap.priority", kNext, nullptr, "cgroup v2 has no swappiness per group"},
    KeyRule{"limits.memory.oom_priority", kNext, nullptr, "cella does not implement it"},
    KeyRule{"limits.memory.hugepages", kNext, nullptr, kVirtualMachine},
    KeyRule{"limits.memory.hotplug", kNext, nullptr, kVirtualMachine},
    KeyRule{"limits.max_bus_ports", kNext, nullptr, kVirtualMachine},
    KeyRule{"limits.network.priority", kNext, nullptr, "cgroup v2 has no network priority controller"},
    KeyRule{"limits.processes", kNow, check_processes},
    KeyRule{"linux.kernel_modules", kNow, check_modules},
    KeyRule{"linux.kernel_modules.load", kNext, nullptr, "modules are loaded before the start, not on demand"},
    KeyRule{"linux.sysctl.*", kNext, check_sysctl},
    KeyRule{"security.idmap.isolated", kNext, check_only_true},
    KeyRule{"security.idmap.base", kNext, check_id_base},
    KeyRule{"security.idmap.size", kNext, check_id_size},
    KeyRule{"security.nesting", kNext, check_bool},
    KeyRule{"security.privileged", kNext, check_only_false},
    KeyRule{"security.protection.delete", kNow, check_bool},
    KeyRule{"security.protection.shift", kNow, check_bool},
    KeyRule{"security.protection.start", kNow, check_bool},
    KeyRule{"security.devlxd", kNext, check_bool},
    KeyRule{"security.devlxd.images", kNow, check_bool},
    KeyRule{"security.devlxd.*", kNext, nullptr, "cella does not implement it"},
    KeyRule{"security.guestapi", kNext, nullptr, kGuestApi},
    KeyRule{"security.guestapi.*", kNext, nullptr, kGuestApi},
    KeyRule{"security.syscalls.intercept.*", kNext, nullptr, kIntercept},
    KeyRule{"security.syscalls.allow", kNext, check_syscalls},
    KeyRule{"security.syscalls.deny", kNext, check_syscalls},
    KeyRule{"security.syscalls.deny_compat", kNext, check_bool},
    KeyRule{"security.syscalls.deny_default", kNext, check_bool},
    KeyRule{"security.bpffs.*", kNext, nullptr, kBpf},
    KeyRule{"security.delegate_bpf", kNext, nullptr, kBpf},
    KeyRule{"security.delegate_bpf.*", kNext, nullptr, kBpf},
    KeyRule{"security.agent.metrics", kNext, nullptr, kVirtualMachine},
    KeyRule{"security.csm", kNext, nullptr, kVirtualMachine},
    KeyRule{"security.iommu", kNext, nullptr, kVirtualMachine},
    KeyRule{"security.secureboot", kNext, nullptr, kVirtualMachine},
    KeyRule{"security.sev", kNext, nullptr, kVirtualMachine},
    KeyRule{"security.sev.*", kNext, nullptr, kVirtualMachine},
    KeyRule{"user.*", kNow},
    KeyRule{"volatile.*", kNow},
    KeyRule{"agent.*", kNext, nullptr, kVirtualMachine},
    KeyRule{"cloud-init.network-config", kNext},
    KeyRule{"cloud-init.user-data", kNext},
    KeyRule{"cloud-init.vendor-data", kNext},
    KeyRule{"cloud-init.ssh-keys.*", kNext, nullptr, "write the keys into cloud-init.user-data"},
    KeyRule{"cluster.evacuate", kNext, nullptr, kNoCluster},
    KeyRule{"migration.*", kNext, nullptr, kMigration},
    KeyRule{"nvidia.*", kNext, nullptr, kNvidia},
    KeyRule{"oci.*", kNext, nullptr, kOci},
    KeyRule{"placement.group", kNext, nullptr, kNoCluster},
    KeyRule{"raw.idmap", kNext, check_raw_ids},
    KeyRule{"raw.*", kNext, nullptr, kRaw},
    KeyRule{"smbios11.*", kNext, nullptr, kVirtualMachine},
    KeyRule{"snapshots.expiry", kNow, check_expiry},
    KeyRule{"snapshots.expiry.manual", kNow, nullptr, "snapshots.expiry counts for all of them"},
    KeyRule{"snapshots.pattern", kNow, check_snapshot_pattern},
    KeyRule{"snapshots.schedule", kNow, check_schedule},
    KeyRule{"snapshots.schedule.stopped", kNow, check_bool},
    KeyRule{"systemd.credential.*", kNext, nullptr, "cella does not implement it"},
    KeyRule{"systemd.credential-binary.*", kNext, nullptr, "cella does not implement it"},
    KeyRule{"ubuntu_pro.guest_attach", kNext, nullptr, "cella does not implement it"},
};

}  // namespace

std::span<const KeyRule> key_rules() { return kRules; }

}  // namespace cella::manager
