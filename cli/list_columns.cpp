#include "cli/list_columns.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>

#include "api/response.h"
#include "base/units.h"
#include "cli/quantity.h"
#include "cli/words.h"

namespace cella::cli {
namespace {

using Instance = api::InstanceFull;

bool is_active(const Instance& instance) {
  const auto status = static_cast<StatusCode>(instance.instance.status_code);
  return instance.state.has_value() && (status == StatusCode::kRunning || status == StatusCode::kFrozen ||
                                        status == StatusCode::kStopping || status == StatusCode::kFreezing ||
                                        status == StatusCode::kReady);
}

std::string config_value(const Instance& instance, const std::string& key) {
  const auto found = instance.instance.expanded_config.find(key);
  return found == instance.instance.expanded_config.end() ? std::string() : found->second;
}

// "eth0.parent" of the devices as they are after the profiles.
std::string device_value(const Instance& instance, const std::string& path) {
  const std::size_t dot = path.find('.');
  const auto device = instance.instance.expanded_devices.find(path.substr(0, dot));
  if (dot == std::string::npos || device == instance.instance.expanded_devices.end()) return {};
  const auto value = device->second.find(path.substr(dot + 1));
  return value == device->second.end() ? std::string() : value->second;
}

std::string instance_type(const Instance& instance) {
  const std::string type = instance.instance.type.empty() ? "CONTAINER" : upper_case(instance.instance.type);
  return instance.instance.ephemeral ? type + " (EPHEMERAL)" : type;
}

std::string profile_lines(const Instance& instance) {
  std::string out;
  for (const std::string& profile : instance.instance.profiles) out.append(out.empty() ? "" : "\n").append(profile);
  return out;
}

std::string root_pool(const Instance& instance) {
  for (const auto& [name, device] : instance.instance.expanded_devices) {
    const auto path = device.find("path");
    const auto pool = device.find("pool");
    if (path != device.end() && path->second == "/" && pool != device.end()) return pool->second;
  }
  return {};
}

std::string memory_usage(const Instance& instance) {
  if (!is_active(instance) || instance.state->memory.usage <= 0) return {};
  return binary_size(static_cast<std::uint64_t>(instance.state->memory.usage));
}

std::string memory_percent(const Instance& instance) {
  const std::string limit = config_value(instance, "limits.memory");
  if (!is_active(instance) || instance.state->memory.usage <= 0 || limit.empty() || limit.ends_with('%')) return {};
  const auto bytes = parse_size("limits.memory", limit);
  if (!bytes.ok() || bytes->value == 0) return {};
  char text[32];
  std::snprintf(text, sizeof text, "%.1f%%",
                100.0 * static_cast<double>(instance.state->memory.usage) / static_cast<double>(bytes->value));
  return text;
}

std::string disk_usage(const Instance& instance) {
  if (!instance.state.has_value()) return {};
  const auto root = instance.state->disk.find("root");
  if (root == instance.state->disk.end() || root->second.usage <= 0) return {};
  return binary_size(static_cast<std::uint64_t>(root->second.usage));
}

std::string cpu_usage(const Instance& instance) {
  if (!is_active(instance)) return {};
  return std::to_string(instance.state->cpu.usage / 1'000'000'000) + "s";
}

std::string process_count(const Instance& instance) {
  return is_active(instance) ? std::to_string(instance.state->processes) : std::string();
}

std::string init_pid(const Instance& instance) {
  return is_active(instance) ? std::to_string(instance.state->pid) : std::string();
}

std::optional<Column> shorthand(char letter) {
  using I = const Instance&;
  switch (letter) {
    case '4':
      return Column{"IPV4", [](I i) { return address_lines(i, "inet"); }, true};
    case '6':
      return Column{"IPV6", [](I i) { return address_lines(i, "inet6"); }, true};
    case 'a':
      return Column{"ARCHITECTURE", [](I i) { return i.instance.architecture; }};
    case 'b':
      return Column{"STORAGE POOL", root_pool};
    case 'c':
      return Column{"CREATED AT", [](I i) { return short_time(i.instance.created_at); }};
    case 'd':
      return Column{"DESCRIPTION", [](I i) { return i.instance.description; }};
    case 'D':
      return Column{"DISK USAGE", disk_usage, true};
    case 'e':
      return Column{"PROJECT", [](I i) { return i.instance.project; }};
    case 'f':
      return Column{"BASE IMAGE", [](I i) { return config_value(i, "volatile.base_image").substr(0, 12); }};
    case 'F':
      return Column{"BASE IMAGE", [](I i) { return config_value(i, "volatile.base_image"); }};
    case 'l':
      return Column{"LAST USED AT", [](I i) {
                      return is_time_set(i.instance.last_used_at) ? short_time(i.instance.last_used_at) : std::string();
                    }};
    case 'L':
      return Column{"LOCATION", [](I i) { return i.instance.location; }};
    case 'm':
      return Column{"MEMORY USAGE", memory_usage, true};
    case 'M':
      return Column{"MEMORY USAGE%", memory_percent, true};
    case 'n':
      return Column{"NAME", [](I i) { return i.instance.name; }};
    case 'N':
      return Column{"PROCESSES", process_count, true};
    case 'p':
      return Column{"PID", init_pid, true};
    case 'P':
      return Column{"PROFILES", profile_lines};
    case 's':
      return Column{"STATE", [](I i) { return upper_case(i.instance.status); }};
    case 'S':
      return Column{"SNAPSHOTS", [](I i) { return std::to_string(i.snapshots.size()); }, true};
    case 't':
      return Column{"TYPE", instance_type};
    case 'u':
      return Column{"CPU USAGE", cpu_usage, true};
    default:
      return std::nullopt;
  }
}

struct CustomColumn {
  bool device = false;
  std::string key;
  std::string header;
  int width = -1;  // -1: as wide as it gets; 0: as the header
};

Result<CustomColumn> parse_custom(std::string_view text) {
  CustomColumn column;
  std::string rest(text);
  if (rest.starts_with("config:"))
    rest.erase(0, 7);
  else if (rest.starts_with("devices:")) {
    column.device = true;
    rest.erase(0, 8);
  }
  std::vector<std::string> parts;
  while (true) {
    const std::size_t colon = rest.find(':');
    parts.push_back(rest.substr(0, colon));
    if (colon == std::string::npos) break;
    rest.erase(0, colon + 1);
  }
  column.key = parts[0];
  if (column.key.empty() || parts.size() > 3)
    return invalid_value("--columns", text, "write [config:|devices:]key[:name][:width]");
  column.header = parts.size() > 1 && !parts[1].empty() ? parts[1] : column.key;
  if (parts.size() == 3) {
    const std::string& width = parts[2];
    const auto [end, code] = std::from_chars(width.data(), width.data() + width.size(), column.width);
    if (code != std::errc() || end != width.data() + width.size() || column.width < -1) {
      return invalid_value("--columns", text, "the width must be a number, or -1 for any");
    }
  }
  if (column.width == 0) column.width = static_cast<int>(column.header.size());
  return column;
}

Column custom(const CustomColumn& wanted) {
  return Column{.header = wanted.header, .cell = [wanted](const Instance& instance) {
                  std::string value =
                      wanted.device ? device_value(instance, wanted.key) : config_value(instance, wanted.key);
                  if (wanted.width >= 0 && value.size() > static_cast<std::size_t>(wanted.width)) {
                    value.resize(static_cast<std::size_t>(wanted.width));
                  }
                  return value;
                }};
}

}  // namespace

std::string address_lines(const api::InstanceFull& instance, std::string_view family) {
  std::vector<std::string> addresses;
  if (!is_active(instance)) return {};
  for (const auto& [name, network] : instance.state->network) {
    if (network.type == "loopback") continue;
    for (const auto& address : network.addresses) {
      if (address.family != family || address.scope == "link" || address.scope == "local") continue;
      addresses.push_back(address.address + " (" + name + ")");
    }
  }
  std::sort(addresses.rbegin(), addresses.rend());
  std::string out;
  for (const std::string& address : addresses) out.append(out.empty() ? "" : "\n").append(address);
  return out;
}

Result<std::vector<Column>> parse_columns(std::string_view text) {
  std::vector<Column> columns;
  for (const std::string& part : split_names(text)) {
    const bool is_custom =
        part.find('.') != std::string::npos || part.starts_with("config:") || part.starts_with("devices:");
    if (is_custom) {
      columns.push_back(custom(TRY(parse_custom(part))));
      continue;
    }
    for (const char letter : part) {
      std::optional<Column> column = shorthand(letter);
      if (!column) {
        return Error(ErrorKind::kInvalid,
                     std::string("Unknown column shorthand char '") + letter + "' in '" + part + "'");
      }
      columns.push_back(*std::move(column));
    }
  }
  if (columns.empty()) return invalid_value("--columns", text, "name at least one column");
  return columns;
}

}  // namespace cella::cli
