#include "manager/custom_volume_config.h"

#include <algorithm>
#include <array>

#include "manager/cron.h"
#include "manager/snapshot_names.h"
#include "storage/volume.h"

namespace cella::manager {
namespace {

constexpr std::array kInherited = {"size",           "security.shifted",  "security.unmapped",
                                   "snapshots.expiry", "snapshots.pattern", "snapshots.schedule"};
constexpr const char* kBlockSize = "10GiB";

bool printable(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
}

std::string value_of(const Config& config, const std::string& key) {
  const auto found = config.find(key);
  return found == config.end() ? std::string() : found->second;
}

bool is_on(const Config& config, const std::string& key) {
  const auto value = parse_bool(key, value_of(config, key));
  return value.ok() && *value;
}

Result<void> check_key(const std::string& key, const std::string& value, VolumeContent content) {
  if (!printable(value)) return invalid_value(key, value, "holds a control character");
  if (key.starts_with("user.") && key.size() > 5) return kOk;
  if (key == "size") {
    if (TRY(parse_size(key, value)).value == 0) return invalid_value(key, value, "must be more than zero");
    return kOk;
  }
  if (key == "security.shifted" || key == "security.unmapped") {
    if (content == VolumeContent::kBlock) return invalid_value(key, value, "a block volume has no owners to map");
    TRY(parse_bool(key, value));
    return kOk;
  }
  if (key == "snapshots.expiry") {
    TRY(expiry_time(key, value, Timestamp()));
    return kOk;
  }
  if (key == "snapshots.pattern") return check_snapshot_pattern(key, value);
  if (key == "snapshots.schedule") {
    if (TRY(Schedule::parse(key, value, 0)).at_startup()) return invalid_value(key, value, "volumes do not start");
    return kOk;
  }
  if (key.starts_with("block."))
    return Error(ErrorKind::kUnsupported,
                 key + " \"" + value + "\": pools here keep volumes as directory trees, without a file system of their own");
  return invalid_value(key, value, "unknown key for a custom volume");
}

}  // namespace

Result<void> check_custom_name(const std::string& name) {
  if (name.size() > 63) return invalid_value("name", name, "is longer than 63 characters");
  if (name.ends_with(".incoming")) return invalid_value("name", name, "ends with \".incoming\", which is reserved");
  TRY(storage::check_volume_name({storage::VolumeKind::kCustom, name}));
  return kOk;
}

Config cleaned_volume_config(Config config) {
  std::erase_if(config,
                [](const auto& entry) { return entry.second.empty() || entry.first.starts_with("volatile.idmap."); });
  return config;
}

Result<void> check_volume_config(const Config& config, VolumeContent content) {
  for (const auto& [key, value] : config) TRY(check_key(key, value, content));
  if (is_on(config, "security.shifted") && is_on(config, "security.unmapped"))
    return invalid_value("security.shifted", "true", "security.shifted and security.unmapped exclude each other");
  return kOk;
}

Config with_pool_defaults(Config config, const Config& pool, VolumeContent content) {
  for (const std::string key : kInherited) {
    if (content == VolumeContent::kBlock && key.starts_with("security.")) continue;
    const std::string value = value_of(pool, "volume." + key);
    if (!value.empty()) config.emplace(key, value);
  }
  if (content == VolumeContent::kBlock) config.emplace("size", kBlockSize);
  return config;
}

std::optional<Bytes> volume_size(const Config& config) {
  const auto size = parse_size("size", value_of(config, "size"));
  if (!size.ok()) return std::nullopt;
  return *size;
}

bool is_unmapped(const Config& config) { return is_on(config, "security.unmapped"); }

}  // namespace cella::manager
