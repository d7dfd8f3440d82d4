#include "manager/custom_volumes.h"

#include <algorithm>

#include "base/rollback.h"
#include "manager/custom_volume_config.h"
#include "manager/custom_volume_files.h"
#include "manager/database.h"
#include "manager/events.h"
#include "manager/pools.h"
#include "storage/driver.h"
#include "storage/image_volume.h"

namespace cella::manager {
namespace {

// For requests that are answered when they are done; copies and backups may hold a volume for hours.
constexpr std::chrono::seconds kPatience{10};

Value::Object custom_context() { return {{"type", "custom"}}; }

// What may not change while a container has the volume mounted.
bool maps_differ(const Config& before, const Config& after) { return is_unmapped(before) != is_unmapped(after); }

}  // namespace

CustomVolume CustomVolumes::shown(const VolumeRecord& record) const {
  CustomVolume volume{record.key, record.content, record.description, record.config, record.created_at, {}};
  if (users_ == nullptr) return volume;
  for (VolumeUser& user : users_->users_of(record.key)) volume.used_by.push_back(std::move(user.url));
  return volume;
}

std::vector<CustomVolume> CustomVolumes::list(const std::string& pool, const std::string& project) const {
  std::vector<CustomVolume> volumes;
  for (const VolumeRecord& record : table_.volumes(pool, project)) volumes.push_back(shown(record));
  return volumes;
}

Result<CustomVolume> CustomVolumes::find(const VolumeKey& key) const { return shown(TRY(table_.find(key))); }

void CustomVolumes::tell(const std::string& action, const VolumeKey& key, const std::string& tail,
                         const Caller& caller) const {
  wiring_.events.lifecycle({"storage-volume-" + action, volume_url(key, tail), custom_context(), caller}, key.project);
}

Result<void> CustomVolumes::check_not_running(const VolumeKey& key, const std::string& refusal) const {
  if (users_ == nullptr) return kOk;
  for (const VolumeUser& user : users_->users_of(key)) {
    if (user.running) return Error(ErrorKind::kInvalid, refusal + ": " + key_text(key) + " is used by " + user.url);
  }
  return kOk;
}

Result<VolumeRecord> CustomVolumes::new_record(const CustomVolumeCreate& request) const {
  TRY(check_custom_name(request.key.name));
  const Pool pool = TRY(wiring_.pools.find(request.key.pool));
  VolumeRecord record;
  record.key = request.key;
  record.content = request.content;
  record.description = request.description;
  record.config = with_pool_defaults(cleaned_volume_config(request.config), pool.config, request.content);
  TRY(check_volume_config(record.config, record.content));
  record.created_at = std::chrono::system_clock::now();
  return record;
}

Result<void> CustomVolumes::apply_size(const VolumeRecord& record) const {
  if (record.content == VolumeContent::kBlock) return kOk;
  const auto size = volume_size(record.config);
  return TRY(wiring_.pools.access(record.key.pool)).driver->set_quota(stored_volume(record.key), size);
}

Result<std::shared_ptr<void>> CustomVolumes::admit(const VolumeRecord& record) const {
  if (policy_ == nullptr) return std::shared_ptr<void>();
  return policy_->admit(record.key, record.config);
}
Result<void> CustomVolumes::check_snapshot(const VolumeKey& key) const {
  return policy_ == nullptr ? Result<void>(kOk) : policy_->check_snapshot(key);
}
Result<void> CustomVolumes::check_backup(const VolumeKey& key) const {
  return policy_ == nullptr ? Result<void>(kOk) : policy_->check_backup(key);
}

Result<void> CustomVolumes::make(VolumeRecord& record, const std::function<Result<void>()>& fill,
                                 const Caller& caller) {
  if (table_.find(record.key).ok()) return Error(ErrorKind::kExists, "Volume by that name already exists: " + key_text(record.key));
  std::shared_ptr<void> expected;
  {
    const auto admitted = TRY(admit(record));
    expected = table_.expect(record);  // counts from here on, so that nobody waits for the copy
  }
  Rollback undo;
  TRY(insert_volume(wiring_.database, record));
  undo.add([&] { (void)delete_volume(wiring_.database, record.id); });
  undo.add([&] { (void)wiring_.pools.remove_volume(record.key.pool, stored_volume(record.key)); });
  TRY(fill());
  TRY(apply_size(record));
  TRY(set_volume_phase(wiring_.database, record.id, VolumePhase::kReady, ""));
  undo.commit();
  record.phase = VolumePhase::kReady;
  table_.put(record);
  tell("created", record.key, "", caller);
  return kOk;
}

Result<void> CustomVolumes::create(const CustomVolumeCreate& request, const Caller& caller) {
  const auto claim = TRY(table_.claim({request.key}, kPatience));
  VolumeRecord record = TRY(new_record(request));
  return make(
      record,
      [&] {
        return make_empty_volume(wiring_.pools, record.key, record.content,
                                 volume_size(record.config).value_or(Bytes{}));
      },
      caller);
}

Result<void> CustomVolumes::update(const VolumeKey& key, const std::string& description, const Config& config,
                                   const Caller& caller) {
  const auto claim = TRY(table_.claim({key}, kPatience));
  const VolumeRecord present = TRY(table_.find(key));
  VolumeRecord next = present;
  next.description = description;
  next.config = cleaned_volume_config(config);
  TRY(check_volume_config(next.config, next.content));
  if (maps_differ(present.config, next.config))
    TRY(check_not_running(key, "Cannot change security.unmapped with running instances using the volume"));
  const auto admitted = TRY(admit(next));
  Rollback undo;
  if (volume_size(next.config) != volume_size(present.config)) {
    if (next.content == VolumeContent::kBlock) {
      const auto size = volume_size(next.config);
      if (!size) return invalid_value("size", "", "a block volume needs one");
      TRY(resize_block_file(wiring_.pools, key, *size));
    } else {
      undo.add([&] { (void)apply_size(present); });
      TRY(apply_size(next));
    }
  }
  TRY(update_volume(wiring_.database, next));
  undo.commit();
  table_.put(next);
  tell("updated", key, "", caller);
  return kOk;
}

Result<void> CustomVolumes::rename(const VolumeKey& key, const std::string& to, const Caller& caller) {
  TRY(check_custom_name(to));
  const VolumeKey next{key.pool, key.project, to};
  const auto claim = TRY(table_.claim({key, next}, kPatience));
  VolumeRecord record = TRY(table_.find(key));
  if (table_.find(next).ok()) return Error(ErrorKind::kExists, "Volume by that name already exists: " + key_text(next));
  TRY(check_not_running(key, "Volume is still in use by running instances"));
  TRY(wiring_.pools.access(key.pool));
  TRY(set_volume_phase(wiring_.database, record.id, VolumePhase::kRenaming, to));
  record.next_name = to;
  TRY(finish_renaming(record));
  table_.rename(key, to);
  record.key = next;
  record.next_name = key.name;
  TRY(tell_users(key, next));
  TRY(set_volume_phase(wiring_.database, record.id, VolumePhase::kReady, ""));
  wiring_.events.lifecycle(
      {"storage-volume-renamed", volume_url(next), {{"type", "custom"}, {"old_name", key.name}}, caller}, key.project);
  return kOk;
}

Result<void> CustomVolumes::tell_users(const VolumeKey& from, const VolumeKey& to) const {
  return users_ == nullptr ? Result<void>(kOk) : users_->volume_renamed(from, to);
}

Result<void> CustomVolumes::finish_renaming(const VolumeRecord& record) {
  const VolumeKey next{record.key.pool, record.key.project, record.next_name};
  const PoolAccess pool = TRY(wiring_.pools.access(record.key.pool));
  // After a crash some have their new names already.
  const auto rename_one = [&](const storage::VolumeId& from, const storage::VolumeId& to) -> Result<void> {
    if (!TRY(storage::volume_exists(pool.spec, from))) return kOk;
    return pool.driver->rename(from, to);
  };
  const std::string prefix = stored_name(record.key) + "/";
  for (const auto& name : TRY(storage::list_volumes(pool.spec, storage::VolumeKind::kCustomSnapshot))) {
    if (name.starts_with(prefix))
      TRY(rename_one({storage::VolumeKind::kCustomSnapshot, name}, stored_snapshot(next, name.substr(prefix.size()))));
  }
  TRY(rename_one(stored_volume(record.key), stored_volume(next)));
  return rename_volume_records(wiring_.database, record.key, record.next_name);
}

Result<void> CustomVolumes::remove(const VolumeKey& key, const Caller& caller) {
  const auto claim = TRY(table_.claim({key}, kPatience));
  const VolumeRecord record = TRY(table_.find(key));
  if (users_ != nullptr) {
    const auto users = users_->users_of(key);
    if (!users.empty())
      return Error(ErrorKind::kInvalid, "The storage volume is still in use: " + key_text(key) + " by " + users.front().url);
  }
  TRY(wiring_.pools.access(key.pool));
  TRY(set_volume_phase(wiring_.database, record.id, VolumePhase::kDeleting, ""));
  const auto snapshots = table_.snapshots(key);
  for (const VolumeRecord& snapshot : snapshots) table_.erase(key, snapshot.snapshot);
  table_.erase(key, "");
  TRY(finish_removal(record));
  for (const VolumeRecord& snapshot : snapshots) tell("snapshot-deleted", key, "/snapshots/" + snapshot.snapshot, caller);
  tell("deleted", key, "", caller);
  return kOk;
}

Result<void> CustomVolumes::finish_removal(const VolumeRecord& record) {
  if (record.snapshot.empty()) {
    for (const VolumeRecord& other : TRY(load_volumes(wiring_.database))) {
      if (other.key == record.key && !other.snapshot.empty()) TRY(finish_removal(other));
    }
  }
  const auto volume = record.snapshot.empty() ? stored_volume(record.key) : stored_snapshot(record.key, record.snapshot);
  TRY(wiring_.pools.remove_volume(record.key.pool, volume));
  return delete_volume(wiring_.database, record.id);
}

std::optional<PoolVolumeUsage> CustomVolumes::counted_usage(const VolumeKey& key) const {
  const auto record = table_.find(key);
  const auto pool = wiring_.pools.access(key.pool);
  if (!record.ok() || !pool.ok()) return std::nullopt;
  const auto counted = pool->driver->usage(stored_volume(key));
  if (!counted.ok()) return std::nullopt;
  return PoolVolumeUsage{static_cast<std::int64_t>(counted->used.value),
                         static_cast<std::int64_t>(volume_size(record->config).value_or(Bytes{}).value)};
}

Result<PoolVolumeUsage> CustomVolumes::usage(const VolumeKey& key) const {
  const VolumeRecord record = TRY(table_.find(key));
  if (const auto counted = counted_usage(key)) return *counted;
  // No quotas there, so nobody has counted yet.
  const Bytes used = TRY(tree_usage(TRY(open_volume_tree(wiring_.pools, volume_at(key)))));
  return PoolVolumeUsage{static_cast<std::int64_t>(used.value),
                         static_cast<std::int64_t>(volume_size(record.config).value_or(Bytes{}).value)};
}

Result<void> CustomVolumes::check_mountable(const VolumeKey& key) const {
  const VolumeRecord record = TRY(table_.find(key));
  if (record.content == VolumeContent::kBlock)
    return Error(ErrorKind::kInvalid, "Custom block volumes cannot be used on containers: " + key_text(key));
  return kOk;
}

Result<Fd> CustomVolumes::open_mount(const VolumeKey& key, const IdMap& map, storage::MountAccess access) const {
  TRY(check_mountable(key));
  const VolumeRecord record = TRY(table_.find(key));
  const auto directory = TRY(open_volume_files(wiring_.pools, volume_at(key)));
  if (is_unmapped(record.config)) return storage::open_plain_tree(directory, storage::kTreeName, access);
  return TRY_CONTEXT(key_text(key), storage::open_mapped_tree(directory, storage::kTreeName, map, access));
}

}  // namespace cella::manager
