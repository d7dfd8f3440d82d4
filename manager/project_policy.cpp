#include "manager/project_policy.h"

#include <algorithm>
#include <array>

#include "base/units.h"
#include "manager/device_rules.h"
#include "manager/disk_sources.h"
#include "manager/instance_id_maps.h"
#include "manager/project_config.h"

namespace cella::manager {
namespace {

using View = std::string_view;

// What may be set in a restricted project; all else is low-level. A trailing '*' stands for a family.
constexpr std::array<View, 22> kHarmless{"boot.autostart",
                                         "boot.autostart.*",
                                         "boot.stop.priority",
                                         "cloud-init.*",
                                         "environment.*",
                                         "image.*",
                                         "limits.cpu",
                                         "limits.cpu.*",
                                         "limits.disk.priority",
                                         "limits.hugepages.*",
                                         "limits.kernel.*",
                                         "limits.memory",
                                         "limits.memory.*",
                                         "limits.network.priority",
                                         "limits.processes",
                                         "linux.sysctl.*",
                                         "security.devlxd",
                                         "security.protection.*",
                                         "snapshots.*",
                                         "user.*",
                                         "volatile.*",
                                         "cluster.evacuate"};

// Interceptions that restricted.containers.interception may allow; the others are low-level.
constexpr std::array<View, 7> kIntercepts{
    "security.syscalls.intercept.bpf",        "security.syscalls.intercept.bpf.devices",
    "security.syscalls.intercept.mknod",      "security.syscalls.intercept.mount",
    "security.syscalls.intercept.mount.fuse", "security.syscalls.intercept.setxattr",
    "security.syscalls.intercept.sysinfo"};

bool is_harmless(View key) {
  return std::any_of(kHarmless.begin(), kHarmless.end(), [&](View rule) {
    return rule.ends_with('*') ? key.starts_with(rule.substr(0, rule.size() - 1)) : key == rule;
  });
}

// What cannot be read as a truth is neither.
bool is_true(const std::string& key, const std::string& value) {
  const auto truth = parse_bool(key, value);
  return truth.ok() && *truth;
}
bool is_false(const std::string& key, const std::string& value) {
  const auto truth = parse_bool(key, value);
  return truth.ok() && !*truth;
}

class Restrictions {
 public:
  Restrictions(const Project& project, const std::string& owner) : project_(project), owner_(owner) {}

  Result<void> check_key(const std::string& key, const std::string& value) const {
    if (is_harmless(key) || value.empty()) return kOk;
    if (key == "security.nesting") {
      return require(is_false(key, value) || allows("restricted.containers.nesting"), key, value, "nesting");
    }
    if (key == "security.privileged") {
      return require(is_false(key, value) || allows("restricted.containers.privilege"), key, value, "privilege");
    }
    if (key == "security.idmap.isolated") {
      const bool isolated = restriction(project_.config, "restricted.containers.privilege") == "isolated";
      return require(is_true(key, value) || !isolated, key, value, "privilege");
    }
    if (std::find(kIntercepts.begin(), kIntercepts.end(), key) != kIntercepts.end()) {
      return require(is_false(key, value) || allows("restricted.containers.interception"), key, value, "interception");
    }
    if (allows("restricted.containers.lowlevel")) return kOk;
    if (key == "raw.idmap") return check_ids(key, value);
    return Error(ErrorKind::kDenied, "Use of low-level config \"" + key + "\" on " + of_project() +
                                         " is forbidden (restricted.containers.lowlevel)");
  }

  Result<void> check_device(const std::string& name, const Device& device) const {
    const auto& type = device_value(device, "type");
    const auto refuse = [&](const std::string& why) {
      return Error(ErrorKind::kDenied, "Invalid device \"" + name + "\" on " + of_project() + ": " + why +
                                           " (restricted.devices." + type + ")");
    };
    if (type == "none") return kOk;
    if (type == "disk") {
      const std::string why = disk_refusal(device);
      return why.empty() ? Result<void>(kOk) : refuse(why);
    }
    if (type == "nic") {
      const std::string why = nic_refusal(device);
      return why.empty() ? Result<void>(kOk) : refuse(why);
    }
    return allows("restricted.devices." + type) ? Result<void>(kOk) : refuse("such devices are forbidden");
  }

 private:
  bool allows(const std::string& key) const { return restriction(project_.config, key) == "allow"; }
  std::string of_project() const { return owner_ + " of project \"" + project_.name + "\""; }

  Result<void> require(bool allowed, const std::string& key, const std::string& value, const char* what) const {
    if (allowed) return kOk;
    return Error(ErrorKind::kDenied, "Invalid value \"" + value + "\" for config \"" + key + "\" on " + of_project() +
                                         ": it is forbidden (restricted.containers." + what + ")");
  }

  // Every host id has to be in one of the ranges "FIRST-LAST" or "ID" of restricted.idmap.uid and .gid.
  bool covered(const std::string& key, std::uint64_t first, std::uint64_t count) const {
    for (const std::string& part : split_list(restriction(project_.config, key))) {
      const auto dash = part.find('-');
      const auto low = parse_unsigned(key, part.substr(0, dash));
      const auto high = dash == std::string::npos ? low : parse_unsigned(key, part.substr(dash + 1));
      if (low.ok() && high.ok() && first >= *low && first + count - 1 <= *high) return true;
    }
    return false;
  }
  Result<void> check_ids(const std::string& key, const std::string& value) const {
    for (const RawIds& raw : TRY(parse_raw_idmap(key, value))) {
      const std::uint64_t first = raw.range.outside;
      const bool users = !raw.users || covered("restricted.idmap.uid", first, raw.range.count);
      const bool groups = !raw.groups || covered("restricted.idmap.gid", first, raw.range.count);
      if (!users || !groups) {
        return Error(ErrorKind::kDenied, "Use of low-level \"raw.idmap\" on " + of_project() + " is forbidden (" +
                                             (users ? "restricted.idmap.gid" : "restricted.idmap.uid") + ")");
      }
    }
    return kOk;
  }

  std::string disk_refusal(const Device& device) const {
    const std::string mode = restriction(project_.config, "restricted.devices.disk");
    const bool managed = !device_value(device, "pool").empty();
    if (device_value(device, "path") == "/" && managed) return "";
    if (mode == "block") return "disk devices are forbidden";
    if (mode != "allow" && !managed) return "attaching disks not backed by a pool is forbidden";
    const auto& source = device_value(device, "source");
    if (!managed && allowed_parent(project_.config, source) == "")
      return "source \"" + source + "\" is in none of the directories of restricted.devices.disk.paths";
    return "";
  }

  std::string nic_refusal(const Device& device) const {
    const std::string mode = restriction(project_.config, "restricted.devices.nic");
    const auto& network = device_value(device, "network");
    if (mode == "block") return "network devices are forbidden";
    if (mode != "allow" && network.empty()) return "only managed network devices are allowed";
    const auto access = split_list(restriction(project_.config, "restricted.networks.access"));
    if (access.empty()) return "";
    const auto& used = network.empty() ? device_value(device, "parent") : network;
    // Without either it is in no network: not in one of the allowed ones.
    if (std::find(access.begin(), access.end(), used) != access.end()) return "";
    return "network \"" + used + "\" is not allowed in the project (restricted.networks.access)";
  }

  const Project& project_;
  const std::string& owner_;
};

}  // namespace

Result<void> check_restrictions(const Project& project, const std::string& owner, const Expanded& merged) {
  if (!is_restricted(project.config)) return kOk;
  const Restrictions restrictions(project, owner);
  for (const auto& [key, value] : merged.config) TRY(restrictions.check_key(key, value));
  for (const auto& [name, device] : merged.devices) TRY(restrictions.check_device(name, device));
  return kOk;
}

PolicyItem policy_item(const std::string& instance, const Expanded& merged) {
  PolicyItem item{"Instance \"" + instance + "\"", true, {}};
  for (const View key : kAggregateLimits) {
    if (const auto found = merged.config.find(std::string(key)); found != merged.config.end()) {
      item.values[found->first] = found->second;
    }
  }
  const auto root = find_root_disk(merged.devices);
  if (root.ok() && *root != nullptr) item.values["limits.disk"] = device_value((*root)->second, "size");
  return item;
}

PolicyItem policy_item_of_volume(const std::string& volume, const Config& config) {
  PolicyItem item{"Custom volume \"" + volume + "\"", false, {}};
  if (const auto size = config.find("size"); size != config.end()) item.values["limits.disk"] = size->second;
  return item;
}

namespace {

// What the item says of a key. nullopt: nothing.
const std::string* value_of(const PolicyItem& item, const std::string& key) {
  const auto found = item.values.find(key);
  return found == item.values.end() || found->second.empty() ? nullptr : &found->second;
}

bool counts_for(const PolicyItem& item, View key) { return item.is_instance || key == "limits.disk"; }

Result<void> check_aggregate(const Project& project, const std::string& key, const std::string& limit,
                             const std::vector<PolicyItem>& items) {
  const std::int64_t most = TRY(parse_aggregate(key, limit));
  std::int64_t total = 0;
  for (const PolicyItem& item : items) {
    if (!counts_for(item, key)) continue;
    const std::string in_project = item.owner + " in project \"" + project.name + "\"";
    const std::string* value = value_of(item, key);
    if (value == nullptr) {
      return Error(ErrorKind::kDenied,
                   in_project + " has no \"" + (key == "limits.disk" ? "size" : key) + "\" config, " +
                       (key == "limits.disk" && item.is_instance ? "on its root disk " : "") +
                       "either directly or via a profile, which the project's " + key + " asks for");
    }
    if (__builtin_add_overflow(total, TRY_CONTEXT(in_project, parse_aggregate(key, *value)), &total)) total = INT64_MAX;
  }
  if (total <= most) return kOk;
  return Error(ErrorKind::kDenied, "Reached maximum aggregate value \"" + limit + "\" for \"" + key +
                                       "\" in project \"" + project.name + "\": " + std::to_string(total) +
                                       " would be in use");
}

std::int64_t count_of(const std::vector<PolicyItem>& items) {
  return std::count_if(items.begin(), items.end(), [](const PolicyItem& item) { return item.is_instance; });
}

}  // namespace

Result<void> check_limits(const Project& project, const std::vector<PolicyItem>& items) {
  for (const char* key : {"limits.instances", "limits.containers"}) {
    const auto limit = count_limit(project.config, key);
    if (limit && count_of(items) > *limit) {
      return Error(ErrorKind::kDenied, "Reached maximum number of instances in project \"" + project.name + "\" (" +
                                           key + " is " + std::to_string(*limit) + ")");
    }
  }
  for (const View key : kAggregateLimits) {
    const auto limit = project.config.find(std::string(key));
    if (limit != project.config.end() && !limit->second.empty()) {
      TRY(check_aggregate(project, limit->first, limit->second, items));
    }
  }
  return kOk;
}

std::map<std::string, ProjectUse> project_use(const Project& project, const std::vector<PolicyItem>& items) {
  std::map<std::string, ProjectUse> state;
  const auto count = [&](const char* name, const std::string& key, std::int64_t usage) {
    state[name] = {count_limit(project.config, key).value_or(-1), usage};
  };
  count("instances", "limits.instances", count_of(items));
  count("containers", "limits.containers", count_of(items));
  count("virtual-machines", "limits.virtual-machines", 0);
  for (const View key : kAggregateLimits) {
    ProjectUse& use = state[std::string(key.substr(View("limits.").size()))];
    const auto limit = project.config.find(std::string(key));
    if (limit != project.config.end()) {
      if (const auto most = parse_aggregate(key, limit->second); most.ok()) use.limit = *most;
    }
    for (const PolicyItem& item : items) {
      const std::string* value = counts_for(item, key) ? value_of(item, std::string(key)) : nullptr;
      if (value == nullptr) continue;
      if (const auto amount = parse_aggregate(key, *value); amount.ok()) use.usage += *amount;
    }
  }
  return state;
}

}  // namespace cella::manager
