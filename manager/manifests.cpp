#include "manager/manifests.h"

#include "manager/instance_set.h"

#include <chrono>

#include "base/files.h"
#include "manager/backup_index.h"
#include "manager/custom_volume_index.h"
#include "manager/custom_volumes.h"
#include "manager/names.h"
#include "manager/pools.h"
#include "manager/profiles.h"
#include "manager/projects.h"
#include "manager/volume_copies.h"
#include "storage/driver.h"

namespace cella::manager {
namespace {

// Changes come in bursts, and none of them is to wait for the disk because of this.
constexpr auto kCalm = std::chrono::milliseconds(500);
constexpr std::string_view kInstances = "/1.0/instances/";

// "c1" of "/1.0/instances/c1/snapshots/s0?project=p".
std::string instance_of(std::string_view source) {
  source.remove_prefix(kInstances.size());
  return std::string(source.substr(0, source.find_first_of("/?")));
}

// The same whatever the instance is doing at the moment.
void settle(Instance& instance) {
  instance.status = StatusCode::kStopped;
  instance.last_used_at = {};
}

}  // namespace

Manifests::Manifests(const InstanceSurroundings& around) : around_(around) {
  for (const auto& entry : around.set.list()) instances_.insert(around.set.record(*entry).name);
  thread_ = std::thread([this] { run(); });
  subscription_ = around.events.subscribe([this](const Event& event) { note(event); });
}

Manifests::~Manifests() {
  subscription_.cancel();
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Manifests::note(const Event& event) {
  const auto* lifecycle = std::get_if<Lifecycle>(&event.metadata);
  if (lifecycle == nullptr) return;
  const bool instance = lifecycle->action.starts_with("instance-") && lifecycle->source.starts_with(kInstances);
  const bool volume = lifecycle->action.starts_with("storage-volume-");
  if (!instance && !volume) return;
  {
    const std::lock_guard lock(mutex_);
    if (instance) instances_.insert(qualified_name(event.project, instance_of(lifecycle->source)));
    volumes_ |= volume;
  }
  changed_.notify_all();
}

void Manifests::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || volumes_ || !instances_.empty(); });
    changed_.wait_for(lock, kCalm, [this] { return stop_; });
    const auto instances = std::exchange(instances_, {});
    const bool volumes = std::exchange(volumes_, false);
    if (instances.empty() && !volumes) return;  // stopped
    lock.unlock();
    write_instances(instances);
    if (volumes) write_volumes();
    lock.lock();
  }
}

void Manifests::log(const std::string& object, const Result<void>& outcome) {
  // What is gone meanwhile needs none, and a pool that is away is told of elsewhere.
  if (outcome.ok() || outcome.error().kind() == ErrorKind::kNotFound || outcome.error().kind() == ErrorKind::kBusy)
    return;
  around_.events.log({"warn", "cannot write the manifest of " + object + ": " + outcome.error().message(), {}});
}

void Manifests::write_instances(const std::set<std::string>& names) {
  for (const auto& name : names) log("instance " + name, write_instance(name));
}

Result<void> Manifests::write_instance(const std::string& name) {
  const auto entry = TRY(around_.set.find(name));
  BackupIndex index;
  index.instance = around_.set.view(*entry);
  settle(index.instance);
  index.name = short_name(name);
  {
    std::shared_lock lock(around_.set.mutex());
    if (entry->record.phase != InstancePhase::kReady) return kOk;
    index.pool = entry->record.pool;
    for (const auto& snapshot : entry->snapshots)
      if (snapshot.phase == SnapshotPhase::kReady) index.snapshots.push_back(snapshot);
  }
  const Pool pool = TRY(around_.pools.find(index.pool));
  index.backend = pool.driver;
  const auto profiles =
      around_.profiles.resolve(around_.projects.project_of_profiles(project_of(name)), index.instance.profiles);
  return replace(index.pool, root_at(index.pool, name).volume,
                 format_backup_index(index, pool, profiles.ok() ? *profiles : std::vector<Profile>()));
}

void Manifests::write_volumes() {
  VolumeTable& table = around_.volumes.table();
  for (const VolumeRecord& record : table.volumes("", "")) {
    VolumeIndex index;
    index.volume = record;
    index.snapshots = table.snapshots(record.key);
    const auto pool = around_.pools.find(record.key.pool);
    if (pool.ok()) index.backend = pool->driver;
    log(key_text(record.key), replace(record.key.pool, stored_volume(record.key), format_volume_index(index)));
  }
}

Result<void> Manifests::replace(const std::string& pool, const storage::VolumeId& volume, const std::string& text) {
  const DirFd directory = TRY(storage::open_own_directory(TRY(around_.pools.access(pool)).spec, volume));
  const auto present = read_file_at(directory, kManifestName);
  if (present.ok() && *present == text) return kOk;
  return replace_file_at(directory, kManifestName, text, 0600);
}

}  // namespace cella::manager
