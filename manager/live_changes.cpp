#include "manager/live_changes.h"

#include <algorithm>
#include <cerrno>

#include "manager/container_devices.h"
#include "manager/device_rules.h"
#include "manager/names.h"
#include "manager/networks.h"
#include "manager/projects.h"
#include "manager/proxies.h"

namespace cella::manager {
namespace {

template <typename T>
bool has(const std::vector<T>& all, const T& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

const Nic* find_nic(const std::vector<Nic>& nics, const std::string& device) {
  const auto found = std::find_if(nics.begin(), nics.end(), [&](const Nic& nic) { return nic.device == device; });
  return found == nics.end() ? nullptr : &*found;
}

// Keys that networks change in place; any other difference makes a new link.
Device without_soft_keys(Device device) {
  std::erase_if(device, [](const auto& entry) {
    return entry.first.starts_with("limits.") || entry.first.starts_with("security.");
  });
  return device;
}

}  // namespace

Result<void> LiveChanges::apply(const ContainerSpec& present, const ContainerSpec& next, Config& config) {
  TRY(change_limits(next));
  TRY(change_nics(present, next, config));
  TRY(change_binds(present, next));
  TRY(change_nodes(present, next));
  return change_proxies(present, next);
}

Result<void> LiveChanges::change_limits(const ContainerSpec& next) {
  std::lock_guard lock(running_.mutex);
  auto wanted = next.limits;
  wanted.cpus = running_.limits.cpus;  // the balance changes these afterwards
  wanted.io_max = TRY(resolve_disk_limits(next.disk_limits, around_.pools, around_.controllers));
  TRY(cgroups::apply_limits(running_.cgroup, running_.limits, wanted));
  undo_.add([this, before = running_.limits, cpu = running_.cpu] {
    std::lock_guard undo_lock(running_.mutex);
    if (cgroups::apply_limits(running_.cgroup, running_.limits, before).ok()) running_.limits = before;
    running_.cpu = cpu;
  });
  running_.limits = std::move(wanted);
  running_.cpu = next.cpu;
  return kOk;
}

Result<void> LiveChanges::change_nics(const ContainerSpec& present, const ContainerSpec& next, Config& config) {
  for (const Nic& nic : present.nics) {
    const Nic* wanted = find_nic(next.nics, nic.device);
    if (wanted == nullptr || without_soft_keys(wanted->config) != without_soft_keys(nic.config)) {
      unplug(nic.device, config);
      undo_.add([this, name = present.name, nic, scratch = config]() mutable { (void)plug(name, nic, scratch); });
    }
  }
  for (const Nic& nic : next.nics) {
    const Nic* before = find_nic(present.nics, nic.device);
    if (before == nullptr || without_soft_keys(before->config) != without_soft_keys(nic.config)) {
      TRY(plug(next.name, nic, config));
    } else if (before->config != nic.config) {
      std::lock_guard lock(running_.mutex);
      for (auto& attached : running_.nics) {
        if (attached.request.device != nic.device) continue;
        auto request = attached.request;
        request.config = nic.config;
        TRY_CONTEXT("device " + nic.device, around_.networks.update_nic(request, attached.host_name));
        undo_.add([this, old = attached.request, host = attached.host_name] {
          (void)around_.networks.update_nic(old, host);
        });
        attached.request = std::move(request);
      }
    }
  }
  return kOk;
}

Result<void> LiveChanges::plug(const std::string& name, const Nic& nic, Config& config) {
  NicRequest request{name, nic.device, nic.config, {}, nic.position};
  if (const auto mac = config.find("volatile." + nic.device + ".hwaddr"); mac != config.end()) request.mac = mac->second;
  const auto taken = [&](const std::string& interface) {
    return std::any_of(running_.nics.begin(), running_.nics.end(),
                       [&](const auto& attached) { return attached.interface_name == interface; });
  };
  std::lock_guard lock(running_.mutex);
  while (device_value(nic.config, "name").empty() && taken("eth" + std::to_string(request.position))) {
    ++request.position;
  }
  const auto handles = TRY(keeper_.handles(name));
  const auto plan = TRY(around_.networks.plug(request, handles.network_namespace));
  running_.nics.push_back({request, plan.host_name, plan.interface_name});
  config["volatile." + nic.device + ".host_name"] = plan.host_name;
  if (device_value(nic.config, "name").empty()) config["volatile." + nic.device + ".name"] = plan.interface_name;
  undo_.add([this, request, host_name = plan.host_name] {
    around_.networks.unplug(request, host_name);
    std::lock_guard undo_lock(running_.mutex);
    std::erase_if(running_.nics, [&](const auto& attached) { return attached.host_name == host_name; });
  });
  return kOk;
}

void LiveChanges::unplug(const std::string& device, Config& config) {
  std::lock_guard lock(running_.mutex);
  for (const auto& attached : running_.nics) {
    if (attached.request.device == device) around_.networks.unplug(attached.request, attached.host_name);
  }
  std::erase_if(running_.nics, [&](const auto& attached) { return attached.request.device == device; });
  config.erase("volatile." + device + ".host_name");
  config.erase("volatile." + device + ".name");
}

Result<void> LiveChanges::change_binds(const ContainerSpec& present, const ContainerSpec& next) {
  // Inner mounts go before the directories they lie in: binds are sorted by path.
  for (auto bind = present.binds.rbegin(); bind != present.binds.rend(); ++bind) {
    if (has(next.binds, *bind)) continue;
    auto detached = keeper_.detach_mount(next.name, bind->path);
    // Its source was not required and never there.
    if (!detached.ok() && !bind->required && detached.error().kind() == ErrorKind::kNotFound) continue;
    TRY_CONTEXT("device " + bind->device, std::move(detached));
    undo_.add([this, name = next.name, back = *bind] { (void)attach(name, back); });
  }
  for (const BindMount& bind : next.binds) {
    if (has(present.binds, bind)) continue;
    TRY(attach(next.name, bind));
    undo_.add([this, name = next.name, path = bind.path] { (void)keeper_.detach_mount(name, path); });
  }
  return kOk;
}

Result<void> LiveChanges::attach(const std::string& name, const BindMount& bind) {
  const auto prepared = TRY(prepare_bind(around_.volumes, around_.projects.config(project_of(name)), name, bind, map_));
  if (!prepared) return kOk;
  TRY_CONTEXT("device " + bind.device, keeper_.attach_mount(name, prepared->mount.get(), prepared->place.path,
                                                            prepared->place.directory
                                                                ? runtime::MountPoint::kMakeDirectory
                                                                : runtime::MountPoint::kMakeFile));
  return kOk;
}

Result<void> LiveChanges::change_nodes(const ContainerSpec& present, const ContainerSpec& next) {
  if (present.nodes == next.nodes) return kOk;
  TRY(filter_devices(next));
  undo_.add([this, before = present] { (void)filter_devices(before); });
  for (const UnixNode& node : present.nodes) {
    if (has(next.nodes, node)) continue;
    auto removed = keeper_.remove_device(next.name, node.path);
    // It was not required and never there, or the container has removed it itself.
    if (!removed.ok() && removed.error().errno_value() == ENOENT) continue;
    TRY_CONTEXT("device " + node.device, std::move(removed));
    undo_.add([this, name = next.name, node] {
      const auto resolved = resolve_node(node, map_);
      if (resolved.ok() && *resolved) (void)keeper_.create_device(name, **resolved).ok();
    });
  }
  for (const UnixNode& node : next.nodes) {
    if (has(present.nodes, node)) continue;
    const auto resolved = TRY(resolve_node(node, map_));
    if (!resolved) continue;
    TRY_CONTEXT("device " + node.device, keeper_.create_device(next.name, *resolved));
    undo_.add([this, name = next.name, path = node.path] { (void)keeper_.remove_device(name, path); });
  }
  return kOk;
}

Result<void> LiveChanges::follow_nodes(const ContainerSpec& present) {
  TRY(filter_devices(present));
  for (const UnixNode& node : present.nodes) {
    if (node.required || node.major) continue;
    const auto resolved = TRY(resolve_node(node, map_));
    auto followed = resolved ? keeper_.create_device(present.name, *resolved) : keeper_.remove_device(present.name, node.path);
    const int settled = resolved ? EEXIST : ENOENT;
    if (!followed.ok() && followed.error().errno_value() != settled) {
      return std::move(followed).error().with_context("device " + node.device);
    }
  }
  return kOk;
}

Result<void> LiveChanges::change_proxies(const ContainerSpec& present, const ContainerSpec& next) {
  // Translation leads to the address that a NIC has.
  const bool readdressed = present.nics != next.nics;
  const auto stays = [&](const ProxySettings& proxy, const std::vector<ProxySettings>& others) {
    return has(others, proxy) && !(proxy.nat && readdressed);
  };
  for (const ProxySettings& proxy : present.proxies) {
    if (stays(proxy, next.proxies)) continue;
    TRY_CONTEXT("device " + proxy.device, around_.proxies.stop(instance_, proxy.device));
    undo_.add([this, before = present, proxy] { (void)start_proxy(before, proxy).ok(); });
  }
  for (const ProxySettings& proxy : next.proxies) {
    if (stays(proxy, present.proxies)) continue;
    TRY_CONTEXT("device " + proxy.device, start_proxy(next, proxy));
    undo_.add([this, device = proxy.device] { (void)around_.proxies.stop(instance_, device).ok(); });
  }
  return kOk;
}

Result<void> LiveChanges::start_proxy(const ContainerSpec& of, const ProxySettings& proxy) {
  const auto handles = TRY(keeper_.handles(of.name));
  return around_.proxies.start({instance_, handles.pidfd, handles.network_namespace, of.nics}, proxy);
}

Result<void> LiveChanges::filter_devices(const ContainerSpec& next) {
  auto rules = cgroups::default_device_rules();
  for (const UnixNode& node : next.nodes) {
    if (const auto resolved = TRY(resolve_node(node, map_))) rules.push_back(device_rule(*resolved));
  }
  const auto filter = TRY(cgroups::DeviceFilter::load(rules));
  return filter.attach(running_.cgroup);
}

}  // namespace cella::manager
