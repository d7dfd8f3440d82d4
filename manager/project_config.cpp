#include "manager/project_config.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/units.h"
#include "manager/value_checks.h"

namespace cella::manager {
namespace {

using View = std::string_view;

Result<void> check_sum(View key, View value) {
  TRY(parse_aggregate(key, std::string(value)));
  return kOk;
}
Result<void> one_of(View key, View value, std::initializer_list<View> allowed) {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return kOk;
  std::string expected;
  for (const View each : allowed) expected += (expected.empty() ? "" : ", ") + std::string(each);
  return invalid_value(key, value, "expected one of " + expected);
}
Result<void> check_block(View key, View value) { return one_of(key, value, {"block", "allow"}); }
Result<void> check_managed(View key, View value) { return one_of(key, value, {"block", "managed", "allow"}); }
Result<void> check_privilege(View key, View value) {
  return one_of(key, value, {"unprivileged", "isolated", "allow"});
}
Result<void> check_ids(View key, View value) {
  for (const std::string& part : split_list(value)) {
    const auto dash = part.find('-');
    const auto first = TRY(parse_unsigned(key, part.substr(0, dash)));
    const auto last = dash == std::string::npos ? first : TRY(parse_unsigned(key, part.substr(dash + 1)));
    if (first > last || last > UINT32_MAX) return invalid_value(key, part, "is no range of ids");
  }
  return kOk;
}
Result<void> check_paths(View key, View value) {
  for (const std::string& path : split_list(value)) {
    if (!path.starts_with('/')) return invalid_value(key, path, "must be an absolute path");
  }
  return kOk;
}
// Keys about what is not here may say that it is not.
Result<void> check_absent_feature(View key, View value) {
  if (!TRY(parse_bool(key, value))) return kOk;
  return Error(ErrorKind::kUnsupported,
               "key " + std::string(key) + " cannot be true: projects have no networks and buckets of their own here; "
               "those of the default project are used");
}
Result<void> check_only_block(View key, View value) {
  TRY(check_block(key, value));
  if (value == "block") return kOk;
  return Error(ErrorKind::kUnsupported, "key " + std::string(key) + " cannot be \"allow\": this server has neither "
                                        "virtual machines, nor clusters, nor networks that a project could own");
}

struct ProjectKey {
  View name;
  Result<void> (*check)(View key, View value) = nullptr;
  View fallback = {};  // what restriction() says of a key that is not set
  View refused = {};
};

constexpr View kNoNetworks = "a project cannot have networks of its own here";
constexpr View kNoEffect = "it has no effect yet";

constexpr std::array kKeys{
    ProjectKey{"backups.compression_algorithm", check_compression},
    ProjectKey{"features.images", check_bool},
    ProjectKey{"features.networks", check_absent_feature},
    ProjectKey{"features.networks.zones", check_absent_feature},
    ProjectKey{"features.profiles", check_bool},
    ProjectKey{"features.storage.buckets", check_absent_feature},
    ProjectKey{"features.storage.volumes", check_bool},
    ProjectKey{"images.auto_update_cached", nullptr, {}, kNoEffect},
    ProjectKey{"images.auto_update_interval", nullptr, {}, kNoEffect},
    ProjectKey{"images.compression_algorithm", check_compression},
    ProjectKey{"images.default_architecture", nullptr, {}, "this server is not part of a cluster"},
    ProjectKey{"images.remote_cache_expiry", nullptr, {}, kNoEffect},
    ProjectKey{"limits.containers", check_count},
    ProjectKey{"limits.cpu", check_sum},
    ProjectKey{"limits.disk", check_sum},
    ProjectKey{"limits.instances", check_count},
    ProjectKey{"limits.memory", check_sum},
    ProjectKey{"limits.networks", nullptr, {}, kNoNetworks},
    ProjectKey{"limits.processes", check_sum},
    ProjectKey{"limits.virtual-machines", check_count},
    ProjectKey{"restricted", check_bool},
    ProjectKey{"restricted.backups", check_block, "block"},
    ProjectKey{"restricted.cluster.groups", nullptr, {}, "this server is not part of a cluster"},
    ProjectKey{"restricted.cluster.target", check_only_block, "block"},
    ProjectKey{"restricted.containers.interception", check_block, "block"},
    ProjectKey{"restricted.containers.lowlevel", check_block, "block"},
    ProjectKey{"restricted.containers.nesting", check_block, "block"},
    ProjectKey{"restricted.containers.privilege", check_privilege, "unprivileged"},
    ProjectKey{"restricted.devices.disk", check_managed, "managed"},
    ProjectKey{"restricted.devices.disk.paths", check_paths},
    ProjectKey{"restricted.devices.gpu", check_block, "block"},
    ProjectKey{"restricted.devices.infiniband", check_block, "block"},
    ProjectKey{"restricted.devices.nic", check_managed, "managed"},
    ProjectKey{"restricted.devices.pci", check_block, "block"},
    ProjectKey{"restricted.devices.proxy", check_block, "block"},
    ProjectKey{"restricted.devices.unix-block", check_block, "block"},
    ProjectKey{"restricted.devices.unix-char", check_block, "block"},
    ProjectKey{"restricted.devices.unix-hotplug", check_block, "block"},
    ProjectKey{"restricted.devices.usb", check_block, "block"},
    ProjectKey{"restricted.idmap.gid", check_ids},
    ProjectKey{"restricted.idmap.uid", check_ids},
    ProjectKey{"restricted.networks.access"},
    ProjectKey{"restricted.networks.subnets", nullptr, {}, kNoNetworks},
    ProjectKey{"restricted.networks.uplinks", nullptr, {}, kNoNetworks},
    ProjectKey{"restricted.networks.zones", nullptr, {}, kNoNetworks},
    ProjectKey{"restricted.snapshots", check_block, "block"},
    ProjectKey{"restricted.virtual-machines.lowlevel", check_only_block, "block"},
};

const ProjectKey* find_key(View key) {
  const auto found = std::find_if(kKeys.begin(), kKeys.end(), [&](const auto& rule) { return rule.name == key; });
  return found == kKeys.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    View part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

Result<void> check_project_config(const Config& config) {
  for (const auto& [key, value] : config) {
    if (key.starts_with("user.") && key.size() > 5) continue;
    const ProjectKey* rule = find_key(key);
    if (rule == nullptr) return Error(ErrorKind::kInvalid, "unknown project configuration key: " + key);
    if (!rule->refused.empty()) {
      return Error(ErrorKind::kUnsupported, "project key " + key + " is not supported: " + std::string(rule->refused));
    }
    if (rule->check != nullptr && !value.empty()) TRY(rule->check(key, value));
  }
  return kOk;
}

Config with_default_features(Config config) {
  for (const char* feature : {"features.images", "features.profiles", "features.storage.volumes"}) {
    config.try_emplace(feature, "true");
  }
  return config;
}

Config default_project_config() {
  Config config = with_default_features({});
  config["features.networks"] = "true";
  return config;
}

bool has_feature(const Config& config, const std::string& feature) {
  const auto found = config.find(feature);
  if (found == config.end()) return false;
  const auto truth = parse_bool(feature, found->second);
  return truth.ok() && *truth;
}

bool is_restricted(const Config& config) { return has_feature(config, "restricted"); }

std::string restriction(const Config& config, const std::string& key) {
  const auto found = config.find(key);
  if (found != config.end() && !found->second.empty()) return found->second;
  const ProjectKey* rule = find_key(key);
  return rule == nullptr ? "block" : std::string(rule->fallback);
}

Result<std::int64_t> parse_aggregate(std::string_view key, const std::string& value) {
  if (key == "limits.memory" || key == "limits.disk") {
    if (value.ends_with('%')) return invalid_value(key, value, "a share cannot be summed for the project's limit");
    const Bytes size = TRY(parse_size(key, value));
    if (size.value > INT64_MAX) return invalid_value(key, value, "is out of range");
    return static_cast<std::int64_t>(size.value);
  }
  if (key == "limits.cpu" && value.find_first_of(",-") != std::string::npos) {
    return invalid_value(key, value, "CPUs cannot be pinned where the project has a limit of them");
  }
  const std::uint64_t number = TRY(parse_unsigned(key, value));
  if (number > INT64_MAX) return invalid_value(key, value, "is out of range");
  return static_cast<std::int64_t>(number);
}

std::optional<std::int64_t> count_limit(const Config& config, const std::string& key) {
  const auto found = config.find(key);
  if (found == config.end() || found->second.empty()) return std::nullopt;
  const auto count = parse_unsigned(key, found->second);
  return count.ok() ? static_cast<std::int64_t>(*count) : 0;
}

bool has_limits(const Config& config) {
  return std::any_of(config.begin(), config.end(),
                     [](const auto& entry) { return entry.first.starts_with("limits."); });
}

}  // namespace cella::manager
