#include "manager/usage.h"

#include <algorithm>

#include "manager/device_rules.h"
#include "manager/instance_set.h"
#include "manager/names.h"
#include "manager/profiles.h"

namespace cella::manager {
namespace {

bool uses_network(const Devices& devices, const std::string& network) {
  return std::any_of(devices.begin(), devices.end(), [&](const auto& entry) {
    const Device& device = entry.second;
    return device_value(device, "type") == "nic" &&
           (device_value(device, "network") == network || device_value(device, "parent") == network);
  });
}

bool uses_pool(const Devices& devices, const std::string& pool) {
  return std::any_of(devices.begin(), devices.end(), [&](const auto& entry) {
    return device_value(entry.second, "type") == "disk" && device_value(entry.second, "pool") == pool;
  });
}

template <typename Uses>
void add_profiles(const Profiles& profiles, std::vector<std::string>& urls, const Uses& uses) {
  for (const auto& profile : profiles.list()) {
    if (uses(profile.devices)) urls.push_back("/1.0/profiles/" + profile.name + project_query(profile.project));
  }
}

}  // namespace

std::vector<std::string> users_of_pool(const InstanceSet& set, const Profiles& profiles, const std::string& pool) {
  std::vector<std::string> urls;
  for (const auto& entry : set.list()) {
    std::shared_lock lock(set.mutex());
    if (entry->record.pool != pool) continue;
    urls.push_back(instance_url(entry->record.name));
    for (const auto& snapshot : entry->snapshots) {
      if (snapshot.phase == SnapshotPhase::kReady) {
        urls.push_back(instance_url(entry->record.name, "/snapshots/" + snapshot.name));
      }
    }
  }
  add_profiles(profiles, urls, [&](const Devices& devices) { return uses_pool(devices, pool); });
  return urls;
}

std::vector<std::string> users_of_network(const InstanceSet& set, const Profiles& profiles,
                                          const std::string& network) {
  std::vector<std::string> urls;
  for (const auto& entry : set.list()) {
    std::shared_lock lock(set.mutex());
    if (uses_network(entry->expanded_devices, network)) urls.push_back(instance_url(entry->record.name));
  }
  add_profiles(profiles, urls, [&](const Devices& devices) { return uses_network(devices, network); });
  return urls;
}

std::vector<std::string> live_host_names(const InstanceSet& set) {
  std::vector<std::string> names;
  for (const auto& entry : set.list()) {
    const auto running = set.running(*entry);
    if (running == nullptr) continue;
    std::lock_guard lock(running->mutex);
    for (const auto& nic : running->nics) names.push_back(nic.host_name);
  }
  return names;
}

}  // namespace cella::manager
