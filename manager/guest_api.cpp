#include "manager/guest_api.h"

#include <algorithm>
#include <set>

#include "manager/database.h"
#include "manager/device_rules.h"
#include "manager/events.h"
#include "manager/instance_set.h"
#include "manager/names.h"
#include "manager/projects.h"

namespace cella::manager {
namespace {

constexpr const char* kReadyKey = "volatile.last_state.ready";

void add_addresses(Devices& devices, const Config& own) {
  for (auto& [name, device] : devices) {
    if (device_value(device, "type") != "nic" || !device_value(device, "hwaddr").empty()) continue;
    const auto& address = device_value(own, "volatile." + name + ".hwaddr");
    if (!address.empty()) device["hwaddr"] = address;
  }
}

Value::Object as_value(const Device& device) {
  Value::Object object;
  for (const auto& [key, value] : device) object[key] = value;
  return object;
}

// Keys that change a device in place.
bool is_soft_key(const std::string& key) {
  return key.starts_with("limits.") || key.starts_with("security.") || key == "size";
}

bool changed_in_place(const Device& before, const Device& after) {
  const auto hard_part = [](Device device) {
    std::erase_if(device, [](const auto& entry) { return is_soft_key(entry.first); });
    return device;
  };
  return hard_part(before) == hard_part(after);
}

std::map<std::string, std::string> nic_names(const Devices& devices) {
  std::map<std::string, std::string> names;
  for (const auto& [device, config] : devices) {
    if (device_value(config, "type") == "nic") names[device] = device_value(config, "name");
  }
  return names;
}

GuestEvent device_event(const char* action, const std::string& name, const Device& device) {
  return {"device", {{"action", action}, {"name", name}, {"config", as_value(device)}}};
}

}  // namespace

bool is_guest_key(std::string_view key) { return key.starts_with("user.") || key.starts_with("cloud-init."); }

bool is_new_to_cloud_init(const Expanded& before, const Expanded& after) {
  for (const char* key : {"cloud-init.network-config", "cloud-init.user-data", "cloud-init.vendor-data",
                          "user.network-config", "user.user-data", "user.vendor-data", "user.meta-data"}) {
    if (device_value(before.config, key) != device_value(after.config, key)) return true;
  }
  return nic_names(before.devices) != nic_names(after.devices);
}

std::vector<GuestEvent> guest_events(const Expanded& before, const Expanded& after) {
  std::vector<GuestEvent> events;
  std::set<std::string> keys;
  for (const auto* config : {&before.config, &after.config}) {
    for (const auto& [key, value] : *config) {
      if (is_guest_key(key)) keys.insert(key);
    }
  }
  for (const auto& key : keys) {
    const auto &old_value = device_value(before.config, key), &value = device_value(after.config, key);
    if (old_value == value) continue;
    events.push_back({"config", {{"key", key}, {"old_value", old_value}, {"value", value}}});
  }
  for (const auto& [name, device] : before.devices) {
    const auto next = after.devices.find(name);
    if (next == after.devices.end() || !changed_in_place(device, next->second)) {
      events.push_back(device_event("removed", name, device));
    } else if (device != next->second) {
      events.push_back(device_event("updated", name, next->second));
    }
  }
  for (const auto& [name, device] : after.devices) {
    const auto old = before.devices.find(name);
    if (old == before.devices.end() || !changed_in_place(old->second, device)) {
      events.push_back(device_event("added", name, device));
    }
  }
  return events;
}

Result<Guest> GuestApi::find(GuestId id) const {
  const auto entry = around_.guests.find(id);
  if (entry == nullptr) return Error(ErrorKind::kNotFound, "the instance has stopped");
  std::shared_lock lock(around_.set.mutex());
  const auto& own = entry->record.config;
  Guest guest;
  guest.name = short_name(entry->record.name);
  guest.project_of_images = around_.projects.project_of_images(project_of(entry->record.name));
  const auto& cloud_init_id = device_value(own, "volatile.cloud-init.instance-id");
  guest.cloud_init_id = cloud_init_id.empty() ? guest.name : cloud_init_id;
  guest.config = entry->expanded_config;
  guest.devices = entry->expanded_devices;
  add_addresses(guest.devices, own);
  guest.ready = device_value(own, kReadyKey) == "true";
  return guest;
}

Result<void> GuestApi::set_ready(GuestId id, bool ready) {
  const auto entry = around_.guests.find(id);
  if (entry == nullptr) return Error(ErrorKind::kNotFound, "the instance has stopped");
  std::lock_guard run(entry->run);
  const auto present = around_.set.record(*entry);
  if (around_.set.running(*entry) == nullptr) return Error(ErrorKind::kNotFound, "the instance has stopped");
  const std::string text = ready ? "true" : "false";
  if (device_value(present.config, kReadyKey) == text) return kOk;
  InstanceRecord next = present;
  next.config[kReadyKey] = text;
  TRY(update_instance(around_.database, present, next));
  around_.set.change(*entry, [&](InstanceEntry& changed) { changed.record = std::move(next); });
  if (ready) around_.events.lifecycle({"instance-ready", instance_url(present.name), {}, std::nullopt}, project_of(present.name));
  return kOk;
}

}  // namespace cella::manager
