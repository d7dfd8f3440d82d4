#include "manager/container_spec.h"

#include <algorithm>
#include <charconv>
#include <sys/resource.h>

#include "manager/device_rules.h"
#include "manager/rlimits.h"

namespace cella::manager {
namespace {

const std::string* find_value(const Config& config, const std::string& key) {
  const auto found = config.find(key);
  return found == config.end() || found->second.empty() ? nullptr : &found->second;
}

Result<bool> flag(const Device& device, const std::string& key, bool absent) {
  const auto& text = device_value(device, key);
  if (text.empty()) return absent;
  return parse_bool(key, text);
}

// The text after a prefix of each key that has it.
template <typename Visit>
Result<void> for_family(const Config& config, std::string_view prefix, const Visit& visit) {
  for (auto entry = config.lower_bound(std::string(prefix)); entry != config.end(); ++entry) {
    if (!entry->first.starts_with(prefix)) break;
    if (!entry->second.empty()) TRY(visit(entry->first, entry->first.substr(prefix.size()), entry->second));
  }
  return kOk;
}

Result<void> add_memory_limits(const Config& config, const HostFacts& host, cgroups::Limits& limits) {
  cgroups::MemoryRequest request;
  if (const auto* text = find_value(config, "limits.memory")) {
    request.limit = TRY(cgroups::parse_memory_request("limits.memory", *text, host.memory_total));
  }
  if (const auto* text = find_value(config, "limits.memory.enforce")) {
    request.enforce = TRY(cgroups::parse_memory_enforce("limits.memory.enforce", *text));
  }
  std::optional<Bytes> swap;
  if (const auto* text = find_value(config, "limits.memory.swap")) {
    const auto wanted = TRY(parse_swap("limits.memory.swap", *text));
    request.swap = wanted.allowed;
    swap = wanted.most;
  }
  const auto memory = cgroups::memory_limits(request);
  limits.memory_max = memory.max;
  limits.memory_low = memory.low;
  limits.swap_max = swap ? swap : memory.swap_max;
  return kOk;
}

Result<void> add_cpu_limits(const Config& config, cgroups::Limits& limits) {
  std::optional<cgroups::CpuAllowance> allowance;
  std::optional<std::uint32_t> priority;
  if (const auto* text = find_value(config, "limits.cpu.allowance")) {
    allowance = TRY(cgroups::parse_cpu_allowance("limits.cpu.allowance", *text));
  }
  if (const auto* text = find_value(config, "limits.cpu.priority")) {
    priority = TRY(cgroups::parse_priority("limits.cpu.priority", *text));
  }
  limits.cpu_weight = cgroups::cpu_weight(allowance, priority);
  limits.cpu_max = cgroups::cpu_quota(allowance);
  return kOk;
}

Result<void> add_process_settings(const Config& config, ContainerSpec& spec) {
  TRY(for_family(config, "limits.kernel.", [&](const auto& key, const auto&, const auto& value) -> Result<void> {
    spec.resource_limits.push_back(TRY(parse_rlimit(key, value)));
    return kOk;
  }));
  TRY(for_family(config, "linux.sysctl.", [&](const auto&, const auto& name, const auto& value) -> Result<void> {
    spec.sysctls.push_back({sysctl_path(name), value});
    return kOk;
  }));
  return for_family(config, "environment.", [&](const auto&, const auto& name, const auto& value) -> Result<void> {
    spec.environment[name] = value;
    return kOk;
  });
}

Result<void> add_disk(const std::string& name, const Device& device, ContainerSpec& spec) {
  if (auto limit = TRY(parse_disk_limit(name, device))) spec.disk_limits.push_back(*std::move(limit));
  if (device_value(device, "path") == "/") {
    RootDisk root{name, device_value(device, "pool"), std::nullopt};
    const auto& size = device_value(device, "size");
    if (!size.empty()) root.size = TRY(parse_size("size", size));
    spec.root = std::move(root);
    return kOk;
  }
  BindMount bind;
  bind.device = name;
  bind.source = device_value(device, "source");
  bind.pool = device_value(device, "pool");
  bind.path = device_value(device, "path");
  bind.read_only = TRY(flag(device, "readonly", bind.read_only));
  bind.recursive = TRY(flag(device, "recursive", bind.recursive));
  bind.required = TRY(flag(device, "required", bind.required));
  bind.shift = TRY(flag(device, "shift", bind.shift));
  spec.binds.push_back(std::move(bind));
  return kOk;
}

Result<std::optional<std::uint32_t>> number(const Device& device, const std::string& key) {
  const auto& text = device_value(device, key);
  if (text.empty()) return std::optional<std::uint32_t>();
  return std::optional(static_cast<std::uint32_t>(TRY(parse_unsigned(key, text))));
}

Result<void> add_node(const std::string& name, const Device& device, ContainerSpec& spec) {
  UnixNode node;
  node.device = name;
  node.block = device_value(device, "type") == "unix-block";
  node.source = device_value(device, "source");
  const auto& path = device_value(device, "path");
  if (node.source.empty()) node.source = path;
  node.path = (path.empty() ? node.source : path).substr(std::string_view("/dev/").size());
  node.major = TRY(number(device, "major"));
  if (node.major) node.source.clear();
  node.minor = TRY(number(device, "minor"));
  if (const auto& mode = device_value(device, "mode"); !mode.empty()) {
    std::from_chars(mode.data(), mode.data() + mode.size(), node.mode, 8);
  }
  node.user = ContainerId{TRY(number(device, "uid")).value_or(0)};
  node.group = ContainerId{TRY(number(device, "gid")).value_or(0)};
  node.required = TRY(flag(device, "required", node.required));
  spec.nodes.push_back(std::move(node));
  return kOk;
}

Result<void> add_devices(const Devices& devices, ContainerSpec& spec) {
  for (const auto& [name, device] : devices) {
    const auto& type = device_value(device, "type");
    if (type == "disk") {
      TRY_CONTEXT("device " + name, add_disk(name, device, spec));
    } else if (type == "nic") {
      spec.nics.push_back({name, device, static_cast<unsigned>(spec.nics.size())});
    } else if (type == "proxy") {
      spec.proxies.push_back(TRY_CONTEXT("device " + name, parse_proxy(name, device)));
    } else if (type == "unix-char" || type == "unix-block") {
      TRY_CONTEXT("device " + name, add_node(name, device, spec));
    }
  }
  std::sort(spec.binds.begin(), spec.binds.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return kOk;
}

}  // namespace

Result<SwapRequest> parse_swap(std::string_view key, std::string_view value) {
  if (const auto flag = parse_bool(key, value); flag.ok()) return SwapRequest{*flag, std::nullopt};
  const auto size = parse_size(key, value);
  if (!size.ok()) return invalid_value(key, value, "expected true, false or a size");
  return SwapRequest{size->value > 0, *size};
}

std::vector<std::string> optional_sources(const ContainerSpec& spec) {
  std::vector<std::string> sources;
  for (const UnixNode& node : spec.nodes) {
    if (!node.required && !node.major) sources.push_back(node.source);
  }
  return sources;
}

std::string sysctl_path(std::string_view name) {
  std::string path(name);
  const auto first = path.find_first_of("./");
  if (first != std::string::npos && path[first] == '.') {
    for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
  }
  return path;
}

Result<cgroups::Limits> build_limits(const Config& config, const HostFacts& host) {
  cgroups::Limits limits;
  TRY(add_cpu_limits(config, limits));
  TRY(add_memory_limits(config, host, limits));
  if (const auto* text = find_value(config, "limits.processes")) {
    limits.pids_max = TRY(cgroups::parse_processes("limits.processes", *text));
  }
  if (const auto* text = find_value(config, "limits.disk.priority")) {
    limits.io_weight = cgroups::io_weight(TRY(cgroups::parse_priority("limits.disk.priority", *text)));
  }
  TRY(for_family(config, "limits.hugepages.", [&](const auto& key, const auto& size, const auto& text) -> Result<void> {
    limits.hugetlb_max[size] = TRY(cgroups::parse_hugepages(key, text));
    return kOk;
  }));
  return limits;
}

Result<ContainerSpec> build_spec(const std::string& name, const Config& config, const Devices& devices,
                                 const HostFacts& host) {
  ContainerSpec spec;
  spec.name = name;
  spec.limits = TRY(build_limits(config, host));
  if (const auto* text = find_value(config, "limits.cpu")) {
    spec.cpu = TRY(cgroups::parse_cpu_request("limits.cpu", *text));
  }
  TRY(add_process_settings(config, spec));
  spec.security = TRY(build_security(config));
  if (const auto* text = find_value(config, "security.devlxd")) {
    spec.guest_api = TRY(parse_bool("security.devlxd", *text));
  }
  TRY(find_root_disk(devices));
  TRY(add_devices(devices, spec));
  return spec;
}

}  // namespace cella::manager
