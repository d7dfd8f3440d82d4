#include "manager/device_rules.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/units.h"
#include "manager/custom_volume_config.h"
#include "manager/disk_limits.h"
#include "manager/proxy_device.h"
#include "manager/value_checks.h"

namespace cella::manager {
namespace {

struct DeviceKey {
  std::string_view name;  // exact, or a family "limits.*"
  Result<void> (*check)(std::string_view key, std::string_view value) = nullptr;
  std::string_view refused = {};
};

Result<void> check_number(std::string_view key, std::string_view value) {
  if (TRY(parse_unsigned(key, value)) > 0xffffffff) return invalid_value(key, value, "is out of range");
  return kOk;
}
Result<void> check_size(std::string_view key, std::string_view value) {
  if (TRY(parse_size(key, value)).value == 0) return invalid_value(key, value, "must be more than zero");
  return kOk;
}
Result<void> check_absolute(std::string_view key, std::string_view value) {
  if (!value.starts_with('/')) return invalid_value(key, value, "must be an absolute path");
  if (value.find('\0') != std::string_view::npos) return invalid_value(key, value, "is not a path");
  for (std::size_t at = 0; at < value.size();) {
    const auto end = std::min(value.find('/', at), value.size());
    if (value.substr(at, end - at) == "..") return invalid_value(key, value, "must not contain \"..\"");
    at = end + 1;
  }
  return kOk;
}
Result<void> check_node_path(std::string_view key, std::string_view value) {
  TRY(check_absolute(key, value));
  if (!value.starts_with("/dev/") || value.size() < 6) return invalid_value(key, value, "must lie below /dev");
  return kOk;
}
Result<void> check_mode(std::string_view key, std::string_view value) {
  const bool octal = std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '7'; });
  if (!octal || value.size() > 4) return invalid_value(key, value, "is not an octal file mode");
  return kOk;
}

constexpr std::string_view kCeph = "there is no Ceph driver";

constexpr std::array kDiskKeys{
    DeviceKey{"type"},
    DeviceKey{"path", check_absolute},
    DeviceKey{"pool"},
    DeviceKey{"readonly", check_bool},
    DeviceKey{"recursive", check_bool},
    DeviceKey{"required", check_bool},
    DeviceKey{"shift", check_bool},
    DeviceKey{"size", check_size},
    DeviceKey{"source"},
    DeviceKey{"boot.priority", nullptr, "it is for virtual machines only"},
    DeviceKey{"ceph.*", nullptr, kCeph},
    DeviceKey{"initial.*", nullptr, "initial volume configuration is not implemented"},
    DeviceKey{"limits.max"},
    DeviceKey{"limits.read"},
    DeviceKey{"limits.write"},
    DeviceKey{"propagation", nullptr, "mounts are always private"},
    DeviceKey{"raw.mount.options", nullptr, "only bind mounts are made"},
    DeviceKey{"size.state", nullptr, "it is for virtual machines only"},
};

constexpr std::array kNodeKeys{
    DeviceKey{"type"},
    DeviceKey{"gid", check_number},
    DeviceKey{"major", check_number},
    DeviceKey{"minor", check_number},
    DeviceKey{"mode", check_mode},
    DeviceKey{"path", check_node_path},
    DeviceKey{"required", check_bool},
    DeviceKey{"source", check_absolute},
    DeviceKey{"uid", check_number},
};

// LXD's other device types, each refused with its reason.
struct MissingType {
  std::string_view type;
  std::string_view reason;
};
constexpr std::array kMissingTypes{
    MissingType{"gpu", "nodes of a GPU are not looked up; add those of /dev/dri as unix-char"},
    MissingType{"infiniband", "it is not implemented"},
    MissingType{"pci", "it is for virtual machines only"},
    MissingType{"tpm", "it is not implemented"},
    MissingType{"unix-hotplug", "nodes are not looked up by vendor and product; use unix-char or unix-block with source"},
    MissingType{"usb", "nodes are not looked up by vendor and product; add /dev/bus/usb/BUS/DEVICE as unix-char"},
    MissingType{"virtio", "it is for virtual machines only"},
};

Error missing_type(const std::string& name, const std::string& type) {
  for (const auto& missing : kMissingTypes) {
    if (missing.type != type) continue;
    return Error(ErrorKind::kUnsupported, "device " + name + ": type " + type + " is not supported: " + std::string(missing.reason));
  }
  return Error(ErrorKind::kInvalid, "device " + name + ": unknown type \"" + type + "\"");
}

bool key_matches(const DeviceKey& rule, std::string_view key) {
  if (!rule.name.ends_with('*')) return rule.name == key;
  return key.starts_with(rule.name.substr(0, rule.name.size() - 1));
}

Result<void> check_keys(const std::string& name, const Device& device, std::span<const DeviceKey> rules) {
  for (const auto& [key, value] : device) {
    const auto rule = std::find_if(rules.begin(), rules.end(), [&](const auto& r) { return key_matches(r, key); });
    if (rule == rules.end()) {
      return Error(ErrorKind::kInvalid, "device " + name + ": unknown key \"" + key + "\" for type " +
                                            device_value(device, "type"));
    }
    if (!rule->refused.empty()) {
      return Error(ErrorKind::kUnsupported,
                   "device " + name + ": key " + key + " is not supported: " + std::string(rule->refused));
    }
    if (rule->check != nullptr && !value.empty()) TRY_CONTEXT("device " + name, rule->check(key, value));
  }
  return kOk;
}

Result<void> check_disk(const std::string& name, const Device& device) {
  TRY(check_keys(name, device, kDiskKeys));
  TRY_CONTEXT("device " + name, parse_disk_limit(name, device));
  const auto fail = [&](std::string text) { return Error(ErrorKind::kInvalid, "device " + name + ": " + text); };
  const auto& path = device_value(device, "path");
  const auto& source = device_value(device, "source");
  const auto& pool = device_value(device, "pool");
  if (path.empty()) return fail("disk needs \"path\"");
  if (path == "/") {
    if (pool.empty()) return fail("root disk needs \"pool\"");
    for (const char* key : {"source", "readonly", "recursive", "required", "shift"}) {
      if (!device_value(device, key).empty()) return fail("root disk cannot have \"" + std::string(key) + "\"");
    }
    return kOk;
  }
  if (source.empty()) return fail("disk needs \"source\"");
  if (!pool.empty()) {
    if (source.starts_with('/')) return fail("Storage volumes cannot be specified as absolute paths: \"" + source + "\"");
    for (const char* key : {"shift", "recursive"}) {
      if (!device_value(device, key).empty()) return fail("a storage volume cannot have \"" + std::string(key) + "\"");
    }
    TRY_CONTEXT("device " + name, check_custom_name(source));
  } else {
    TRY_CONTEXT("device " + name, check_absolute("source", source));
  }
  if (!device_value(device, "size").empty()) return fail("only the root disk can have \"size\"");
  return kOk;
}

Result<void> check_node(const std::string& name, const Device& device) {
  TRY(check_keys(name, device, kNodeKeys));
  const auto fail = [&](std::string text) { return Error(ErrorKind::kInvalid, "device " + name + ": " + text); };
  const auto& source = device_value(device, "source");
  const auto& path = device_value(device, "path");
  if (source.empty() && path.empty()) return fail("needs \"source\" or \"path\"");
  if (path.empty() && !source.starts_with("/dev/")) return fail("needs \"path\", because \"source\" is not below /dev");
  if (device_value(device, "major").empty() != device_value(device, "minor").empty()) {
    return fail("needs \"major\" and \"minor\" together");
  }
  return kOk;
}

Result<void> check_name(const std::string& name) {
  const auto fits = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f && c != '/'; };
  if (name.empty() || name.size() > 63 || name.starts_with('.') || !std::all_of(name.begin(), name.end(), fits)) {
    return invalid_value("device name", name, "must be 1 to 63 characters without spaces and slashes");
  }
  return kOk;
}

}  // namespace

const std::string& device_value(const Device& device, const std::string& key) {
  static const std::string kEmpty;
  const auto found = device.find(key);
  return found == device.end() ? kEmpty : found->second;
}

Result<void> check_devices(const Devices& devices, const NicCheck& check_nic) {
  for (const auto& [name, device] : devices) {
    TRY(check_name(name));
    const auto& type = device_value(device, "type");
    if (type == "none") continue;
    if (type == "disk") {
      TRY(check_disk(name, device));
    } else if (type == "nic") {
      TRY_CONTEXT("device " + name, check_nic(device));
    } else if (type == "proxy") {
      TRY_CONTEXT("device " + name, parse_proxy(name, device));
    } else if (type == "unix-char" || type == "unix-block") {
      TRY(check_node(name, device));
    } else {
      return missing_type(name, type);
    }
  }
  return kOk;
}

Result<const std::pair<const std::string, Device>*> find_root_disk(const Devices& devices) {
  const std::pair<const std::string, Device>* found = nullptr;
  for (const auto& entry : devices) {
    if (device_value(entry.second, "type") != "disk" || device_value(entry.second, "path") != "/") continue;
    if (found != nullptr) {
      return Error(ErrorKind::kInvalid, "devices " + found->first + " and " + entry.first + " are both root disks");
    }
    found = &entry;
  }
  return found;
}

}  // namespace cella::manager
