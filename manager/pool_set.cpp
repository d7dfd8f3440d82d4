#include "manager/pool_set.h"

#include <sys/stat.h>

#include "base/files.h"
#include "manager/events.h"
#include "manager/names.h"
#include "manager/pool_config.h"
#include "manager/volume_copies.h"
#include "storage/btrfs_pool.h"

namespace cella::manager {

namespace {

// A default that no volume could have would make every creation fail.
Result<void> check_size_default(const storage::PoolSpec& spec, const Config& config) {
  const auto size = config.find("volume.size");
  if (size == config.end() || storage::has_quotas(spec)) return kOk;
  return Error(ErrorKind::kUnsupported,
               "volume.size \"" + size->second + "\": the file system of storage pool \"" + spec.name +
                   "\" has no project quotas (ext4 or xfs mounted with prjquota)");
}

}  // namespace

Result<std::unique_ptr<Pools>> Pools::open(Wiring wiring) {
  auto pools = std::make_unique<PoolSet>(std::move(wiring));
  TRY(pools->load());
  return std::unique_ptr<Pools>(std::move(pools));
}

Result<void> PoolSet::load() {
  // Not readable by anyone: files of containers, setuid ones too, lie below.
  TRY(make_dirs(wiring_.state_dir + "/storage-pools", 0700));
  for (PoolRecord& record : TRY(read_pools(wiring_.database))) {
    const storage::DriverType driver = TRY_CONTEXT("storage pool " + record.name, storage::parse_driver(record.driver));
    OpenPool pool;
    pool.spec = pool_spec(driver, record.name, record.config, wiring_.state_dir);
    pool.driver = storage::make_driver(pool.spec);
    const Result<void> mounted = pool.driver->mount();
    pool.available = mounted.ok();
    if (!mounted.ok())
      wiring_.events.log(
          {"eror", "storage pool is not available: " + mounted.error().message(), {{"pool", record.name}}});
    pool.record = std::move(record);
    pools_.emplace(pool.record.name, std::move(pool));
  }
  return kOk;
}

void PoolSet::set_used_by(UsedBy used_by) {
  const std::lock_guard lock(mutex_);
  used_by_ = std::move(used_by);
}

void PoolSet::set_image_known(ImageKnown known) {
  const std::lock_guard lock(mutex_);
  image_known_ = std::move(known);
}

Result<OpenPool> PoolSet::open_pool(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = pools_.find(name);
  if (found == pools_.end()) return Error(ErrorKind::kNotFound, "Storage pool \"" + name + "\" not found");
  return found->second;
}

Result<OpenPool> PoolSet::usable_pool(const std::string& name) const {
  OpenPool pool = TRY(open_pool(name));
  if (pool.available) return pool;
  // What was in the way may be gone (a disk plugged in again).
  TRY_CONTEXT("Storage pool \"" + name + "\" is not available", pool.driver->mount());
  pool.available = true;
  return pool;
}

std::vector<std::string> PoolSet::users_of(const std::string& name) const {
  UsedBy used_by;
  {
    const std::lock_guard lock(mutex_);
    used_by = used_by_;
  }
  return used_by ? used_by(name) : std::vector<std::string>();
}

Pool PoolSet::shown(const OpenPool& pool) const {
  return Pool{pool.record.name,
              pool.record.driver,
              pool.record.description,
              pool.record.config,
              pool.available ? "Created" : "Unvailable",
              users_of(pool.record.name)};
}

std::vector<Pool> PoolSet::list() const {
  std::vector<OpenPool> pools;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, pool] : pools_) pools.push_back(pool);
  }
  std::vector<Pool> result;
  for (const OpenPool& pool : pools) result.push_back(shown(pool));
  return result;
}

Result<Pool> PoolSet::find(const std::string& name) const { return shown(TRY(open_pool(name))); }

Result<void> PoolSet::check_new(const PoolRecord& record) const {
  const std::lock_guard lock(mutex_);
  if (pools_.contains(record.name))
    return Error(ErrorKind::kExists, "The storage pool \"" + record.name + "\" already exists");
  const std::string& source = record.config.at("source");
  for (const auto& [name, pool] : pools_)
    if (pool.spec.source == source)
      return invalid_value("source", source, "storage pool \"" + name + "\" uses it already");
  return kOk;
}

Result<OpenPool> PoolSet::prepare(const PoolCreate& request, Config config) const {
  TRY(check_pool_name(request.name));
  const storage::DriverType driver = TRY(storage::parse_driver(request.driver));
  OpenPool pool;
  pool.record.name = request.name;
  pool.record.driver = request.driver;
  pool.record.description = request.description;
  pool.record.config = TRY(complete_pool_config(driver, request.name, std::move(config), wiring_.state_dir));
  TRY(check_new(pool.record));
  pool.spec = pool_spec(driver, request.name, pool.record.config, wiring_.state_dir);
  pool.driver = storage::make_driver(pool.spec);
  return pool;
}

Result<void> PoolSet::take_in(OpenPool pool) {
  TRY(insert_pool(wiring_.database, pool.record));
  pool.available = true;
  const std::string name = pool.record.name;
  {
    const std::lock_guard lock(mutex_);
    pools_.emplace(name, std::move(pool));
  }
  wiring_.events.lifecycle({"storage-pool-created", "/1.0/storage-pools/" + name, {}, {}});
  return kOk;
}

Result<void> PoolSet::create(const PoolCreate& request) {
  const std::lock_guard changing(changing_);
  Config given = request.config;
  std::erase_if(given, [](const auto& entry) { return entry.second.empty(); });
  TRY(check_pool_config(TRY(storage::parse_driver(request.driver)), given));
  OpenPool pool = TRY(prepare(request, std::move(given)));
  const auto driver = pool.driver;
  TRY_CONTEXT("Storage pool \"" + request.name + "\"", driver->create());
  Result<void> taken = check_size_default(pool.spec, pool.record.config);
  if (taken.ok()) taken = take_in(std::move(pool));
  if (!taken.ok()) static_cast<void>(driver->destroy());
  return taken;
}

Result<void> PoolSet::adopt(const PoolCreate& request) {
  const std::lock_guard changing(changing_);
  OpenPool pool = TRY(prepare(request, request.config));
  const auto driver = pool.driver;
  TRY_CONTEXT("Storage pool \"" + request.name + "\"", driver->mount());
  Result<void> taken = take_in(std::move(pool));
  if (!taken.ok()) static_cast<void>(driver->unmount());
  return taken;
}

Result<void> PoolSet::resize(OpenPool& pool, const Config& config) {
  const auto size = config.find("size");
  const auto present = pool.record.config.find("size");
  if (size == config.end() || (present != pool.record.config.end() && size->second == present->second)) {
    if (size == config.end() && present != pool.record.config.end())
      return invalid_value("size", "", "a pool in a loop file has one (it is \"" + present->second + "\")");
    return kOk;
  }
  const Bytes wanted = TRY(parse_size("size", size->second));
  TRY(usable_pool(pool.record.name));
  TRY(storage::grow_btrfs(pool.spec, wanted));
  pool.spec.size = wanted;
  return kOk;
}

Result<void> PoolSet::update(const std::string& name, const Config& config, const std::string& description) {
  const std::lock_guard changing(changing_);
  OpenPool pool = TRY(open_pool(name));
  Config after = config;
  std::erase_if(after, [](const auto& entry) { return entry.second.empty(); });
  TRY(check_pool_config(pool.spec.driver, after));
  TRY(check_pool_change(pool.record.config, after));
  TRY(check_size_default(pool.spec, after));
  TRY(resize(pool, after));
  pool.record.config = std::move(after);
  pool.record.description = description;
  TRY(update_pool(wiring_.database, pool.record));
  {
    const std::lock_guard lock(mutex_);
    pools_.at(name).record = pool.record;
    pools_.at(name).spec = pool.spec;
  }
  wiring_.events.lifecycle({"storage-pool-updated", "/1.0/storage-pools/" + name, {}, {}});
  return kOk;
}

Result<void> PoolSet::patch(const std::string& name, const Config& config,
                            const std::optional<std::string>& description) {
  const OpenPool pool = TRY(open_pool(name));
  Config merged = pool.record.config;
  for (const auto& [key, value] : config) merged[key] = value;
  return update(name, merged, description.value_or(pool.record.description));
}

Result<void> PoolSet::remove(const std::string& name) {
  const std::lock_guard changing(changing_);
  const OpenPool pool = TRY(usable_pool(name));
  if (!users_of(name).empty())
    return Error(ErrorKind::kInvalid, "Storage pool \"" + name + "\": The storage pool is currently in use");
  TRY(pool.driver->destroy());
  TRY(delete_pool(wiring_.database, pool.record.id));
  {
    const std::lock_guard lock(mutex_);
    pools_.erase(name);
  }
  wiring_.events.lifecycle({"storage-pool-deleted", "/1.0/storage-pools/" + name, {}, {}});
  return kOk;
}

Result<PoolResources> PoolSet::resources(const std::string& name) const {
  const storage::PoolSpace space = TRY(storage::pool_space(TRY(usable_pool(name)).spec));
  return PoolResources{static_cast<std::int64_t>(space.used.value), static_cast<std::int64_t>(space.total.value),
                       static_cast<std::int64_t>(space.inodes_used), static_cast<std::int64_t>(space.inodes_total)};
}

namespace {

// Named as within its project.
PoolVolume shown_volume(storage::VolumeKind kind, const std::string& volume) {
  PoolVolume shown;
  if (kind == storage::VolumeKind::kImage) {
    shown.name = volume;
    shown.type = "image";
    shown.used_by = {"/1.0/images/" + volume};
    return shown;
  }
  const std::size_t slash = std::min(volume.find('/'), volume.size());
  const std::string qualified = volume.substr(0, slash);
  const std::string snapshot = volume.substr(slash);
  shown.type = "container";
  shown.name = short_name(qualified) + snapshot;
  shown.project = project_of(qualified);
  shown.used_by = {instance_url(qualified, snapshot.empty() ? "" : "/snapshots" + snapshot)};
  return shown;
}

}  // namespace

Result<std::vector<PoolVolume>> PoolSet::volumes(const std::string& name) const {
  const OpenPool pool = TRY(usable_pool(name));
  std::vector<PoolVolume> result;
  for (const storage::VolumeKind kind :
       {storage::VolumeKind::kRoot, storage::VolumeKind::kSnapshot, storage::VolumeKind::kImage}) {
    for (const std::string& volume : TRY(storage::list_volumes(pool.spec, kind))) {
      if (is_incoming({name, {kind, volume}})) continue;
      PoolVolume shown = shown_volume(kind, volume);
      struct stat status {};
      const Result<DirFd> directory = storage::open_volume_directory(pool.spec, {kind, volume});
      if (directory.ok() && ::fstat(directory->get(), &status) == 0)
        shown.created_at = Timestamp(std::chrono::seconds(status.st_mtime));
      result.push_back(std::move(shown));
    }
  }
  return result;
}

}  // namespace cella::manager
