#include "manager/volume_users.h"

#include <algorithm>
#include <shared_mutex>

#include "manager/device_rules.h"
#include "manager/instance_set.h"
#include "manager/instance_update.h"
#include "manager/names.h"
#include "manager/profiles.h"

namespace cella::manager {
namespace {

bool is_volume(const Device& device) {
  return device_value(device, "type") == "disk" && !device_value(device, "pool").empty() &&
         device_value(device, "path") != "/";
}

std::string profile_url(const Profile& profile) {
  return "/1.0/profiles/" + profile.name + project_query(profile.project);
}

}  // namespace

bool DeviceVolumeUsers::uses(const Devices& devices, const std::string& project, const VolumeKey& key) const {
  return std::any_of(devices.begin(), devices.end(), [&](const auto& entry) {
    const Device& device = entry.second;
    return is_volume(device) &&
           volumes_.key_for(project, device_value(device, "pool"), device_value(device, "source")) == key;
  });
}

bool DeviceVolumeUsers::replace(Devices& devices, const std::string& project, const VolumeKey& from,
                                const VolumeKey& to) const {
  bool changed = false;
  for (auto& [name, device] : devices) {
    if (!is_volume(device)) continue;
    if (volumes_.key_for(project, device_value(device, "pool"), device_value(device, "source")) != from) continue;
    device["pool"] = to.pool;
    device["source"] = to.name;
    changed = true;
  }
  return changed;
}

std::vector<VolumeUser> DeviceVolumeUsers::users_of(const VolumeKey& key) const {
  std::vector<VolumeUser> users;
  for (const auto& entry : set_.list()) {
    std::shared_lock lock(set_.mutex());
    const auto& name = entry->record.name;
    if (uses(entry->expanded_devices, project_of(name), key))
      users.push_back({instance_url(name), entry->running != nullptr});
  }
  for (const Profile& profile : profiles_.list()) {
    if (uses(profile.devices, profile.project, key)) users.push_back({profile_url(profile), false});
  }
  return users;
}

Result<void> DeviceVolumeUsers::volume_renamed(const VolumeKey& from, const VolumeKey& to) {
  for (Profile& profile : profiles_.list()) {
    if (!replace(profile.devices, profile.project, from, to)) continue;
    TRY(profiles_.update(profile.project, profile.name, {profile.description, profile.config, profile.devices}, std::nullopt));
  }
  for (const auto& entry : set_.list()) {
    InstanceRecord next = set_.record(*entry);
    if (replace(next.devices, project_of(next.name), from, to)) TRY(update_.change_devices(next.name, next.devices));
  }
  return kOk;
}

}  // namespace cella::manager
