#include "manager/volatile_keys.h"

#include "manager/device_rules.h"
#include "manager/network.h"
#include "manager/operations.h"
#include "netlink/ip.h"

namespace cella::manager {
namespace {

constexpr std::string_view kPrefix = "volatile.";

// "volatile.eth0.host_name" → "eth0" when the last part is `property`; empty otherwise.
std::string device_of(const std::string& key, std::string_view property) {
  if (!key.starts_with(kPrefix) || !key.ends_with(property)) return {};
  const auto length = key.size() - kPrefix.size();
  if (length <= property.size() + 1 || key[key.size() - property.size() - 1] != '.') return {};
  return key.substr(kPrefix.size(), length - property.size() - 1);
}

std::string device_key(const std::string& device, std::string_view property) {
  return std::string(kPrefix) + device + "." + std::string(property);
}

}  // namespace

std::string idmap_text(const IdMap& map) {
  std::string text = "[";
  const auto add = [&](const std::vector<IdRange>& ranges, bool users) {
    for (const IdRange& range : ranges) {
      text += std::string(text.size() > 1 ? "," : "") + "{\"Isuid\":" + (users ? "true" : "false") +
              ",\"Isgid\":" + (users ? "false" : "true") + ",\"Hostid\":" + std::to_string(range.outside) +
              ",\"Nsid\":" + std::to_string(range.inside) + ",\"Maprange\":" + std::to_string(range.count) + "}";
    }
  };
  add(map.users(), true);
  add(map.groups(), false);
  return text + "]";
}

void set_idmap_keys(Config& config, const IdMap& map, std::uint32_t base) {
  config["volatile.idmap.base"] = std::to_string(base);
  config["volatile.idmap.next"] = idmap_text(map);
}

void add_creation_keys(Config& config, const std::string& base_image) {
  if (!base_image.empty()) config["volatile.base_image"] = base_image;
  config["volatile.uuid"] = random_uuid();
  renew_cloud_init_id(config);
  // Files are stored with the container's own ids: nothing on disk is ever shifted.
  config["volatile.last_state.idmap"] = "[]";
}

void renew_cloud_init_id(Config& config) { config["volatile.cloud-init.instance-id"] = random_uuid(); }

void settle_device_keys(Config& config, const Devices& expanded_devices) {
  for (const auto& [name, device] : expanded_devices) {
    if (device_value(device, "type") != "nic") continue;
    const auto key = device_key(name, "hwaddr");
    if (!device_value(device, "hwaddr").empty()) {
      config.erase(key);
    } else if (!config.contains(key)) {
      config[key] = random_mac();
    }
  }
  std::erase_if(config, [&](const auto& entry) {
    for (const auto* property : {"hwaddr", "host_name", "name"}) {
      const auto device = device_of(entry.first, property);
      if (!device.empty()) return !expanded_devices.contains(device);
    }
    return false;
  });
}

void clear_run_keys(Config& config) {
  config.erase("volatile.last_state.ready");
  std::erase_if(config, [](const auto& entry) { return !device_of(entry.first, "host_name").empty(); });
}

void set_stopped_keys(Config& config) {
  clear_run_keys(config);
  config["volatile.last_state.power"] = "STOPPED";
}

void keep_volatile(Config& wanted, const Config& present, HwaddrChange hwaddr) {
  Config changed;
  if (hwaddr == HwaddrChange::kAllowed) {
    for (const auto& [key, value] : wanted) {
      if (!device_of(key, "hwaddr").empty() && netlink::parse_mac(key, value).ok()) changed[key] = value;
    }
  }
  std::erase_if(wanted, [](const auto& entry) { return entry.first.starts_with(kPrefix); });
  for (const auto& [key, value] : present) {
    if (key.starts_with(kPrefix)) wanted[key] = value;
  }
  for (const auto& [key, value] : changed) wanted[key] = value;
}

}  // namespace cella::manager
