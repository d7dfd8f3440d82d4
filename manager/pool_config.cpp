#include "manager/pool_config.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <algorithm>
#include <array>

#include "base/files.h"
#include "base/units.h"
#include "manager/custom_volume_config.h"
#include "storage/btrfs_pool.h"
#include "storage/btrfs_subvolume.h"

namespace cella::manager {
namespace {

using storage::DriverType;

constexpr std::array kFixedKeys = {"source", "source.wipe"};

bool printable(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
}

Result<void> check_source(const std::string& value) {
  if (value.empty() || value[0] != '/' || !printable(value) || value.find("/../") != std::string::npos)
    return invalid_value("source", value, "not an absolute path");
  return kOk;
}

Result<void> check_mount_options(const std::string& value) {
  const bool good = std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == ',' || c == '=' ||
           c == '_' || c == ':' || c == '-';
  });
  if (!good) return invalid_value("btrfs.mount_options", value, "not a comma-separated list of mount options");
  return kOk;
}

Result<void> check_key(DriverType driver, const std::string& key, const std::string& value) {
  if (!printable(value)) return invalid_value(key, value, "holds a control character");
  if (key.starts_with("user.") && key.size() > 5) return kOk;
  if (key == "source") return check_source(value);
  if (key.starts_with("volume.")) {
    TRY_CONTEXT(key, check_volume_config({{key.substr(std::string("volume.").size()), value}}, VolumeContent::kFilesystem));
    return kOk;
  }
  if (key.starts_with("rsync."))
    return Error(ErrorKind::kUnsupported, key + " \"" + value + "\": volumes are copied without rsync");
  if (driver == DriverType::kBtrfs) {
    if (key == "size") return TRY(parse_size(key, value)), Result<void>(kOk);
    if (key == "btrfs.mount_options") return check_mount_options(value);
    if (key == "source.wipe") return TRY(parse_bool(key, value)), Result<void>(kOk);
  }
  return invalid_value(key, value, "unknown key for a pool of driver " + std::string(driver_text(driver)));
}

std::string value_of(const Config& config, const std::string& key) {
  const auto found = config.find(key);
  return found == config.end() ? std::string() : found->second;
}

Result<bool> state_on_btrfs(const std::string& state_dir) { return storage::is_on_btrfs(TRY(open_dir(state_dir))); }

Result<void> complete_loop_size(Config& config, const std::string& state_dir) {
  if (!value_of(config, "size").empty()) return kOk;
  struct statvfs status {};
  if (::statvfs(state_dir.c_str(), &status) != 0) return errno_error(errno, "statvfs " + state_dir);
  const Bytes size = storage::default_loop_size(Bytes{std::uint64_t{status.f_bavail} * status.f_frsize});
  config["size"] = std::to_string(size.value >> 30) + "GiB";
  return kOk;
}

}  // namespace

Result<void> check_pool_name(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) > 32 && c != 127 && c != '/' && c != '\\' && c != ':' && c != ',';
  });
  if (name.empty() || name.size() > 63 || name[0] == '.' || name[0] == '-' || !plain)
    return invalid_value("name", name, "not a name for a storage pool");
  return kOk;
}

Result<void> check_pool_config(DriverType driver, const Config& config) {
  for (const auto& [key, value] : config) TRY(check_key(driver, key, value));
  return kOk;
}

Result<void> check_pool_change(const Config& before, const Config& after) {
  for (const char* key : kFixedKeys)
    if (value_of(before, key) != value_of(after, key))
      return invalid_value(key, value_of(after, key),
                           "cannot be changed on an existing pool (it is \"" + value_of(before, key) + "\")");
  return kOk;
}

Result<Config> complete_pool_config(DriverType driver, const std::string& name, Config config,
                                    const std::string& state_dir) {
  const std::string directory = state_dir + "/storage-pools/" + name;
  std::string& source = config["source"];
  const bool given = !source.empty();
  if (driver != DriverType::kBtrfs) {
    if (!given) source = directory;
    if (given && source != directory && !path_exists(source))
      return invalid_value("source", source, "no such directory");
    return config;
  }
  if (!given) {
    const bool directly = value_of(config, "size").empty() && TRY(state_on_btrfs(state_dir));
    source = directly ? directory : state_dir + "/disks/" + name + ".img";
    if (!directly) TRY(complete_loop_size(config, state_dir));
    return config;
  }
  // A path that is not there is a loop file only when the size says so: a mistyped device must not become one.
  if (!path_exists(source) && (value_of(config, "size").empty() || source.starts_with("/dev/")))
    return invalid_value("source", source, "does not exist (give `size` to make a loop file there)");
  return config;
}

storage::PoolSpec pool_spec(DriverType driver, const std::string& name, const Config& config,
                            const std::string& state_dir) {
  storage::PoolSpec spec;
  spec.name = name;
  spec.driver = driver;
  spec.directory = state_dir + "/storage-pools/" + name;
  spec.source = value_of(config, "source");
  spec.mount_options = value_of(config, "btrfs.mount_options");
  // Both were checked when they were set.
  if (const auto size = parse_size("size", value_of(config, "size")); size.ok()) spec.size = *size;
  if (const auto wipe = parse_bool("source.wipe", value_of(config, "source.wipe")); wipe.ok()) spec.wipe_source = *wipe;
  return spec;
}

}  // namespace cella::manager
