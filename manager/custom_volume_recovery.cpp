// What a killed daemon left half-done with custom volumes.
#include "manager/custom_volume_files.h"
#include "manager/custom_volumes.h"
#include "manager/events.h"
#include "manager/pools.h"
#include "storage/driver.h"

namespace cella::manager {

Result<void> CustomVolumes::load() {
  for (const VolumeRecord& record : TRY(load_volumes(wiring_.database))) {
    const Result<void> recovered = recover(record);
    // Its pool may be away; the record says what is left to be done when it is back.
    if (!recovered.ok())
      wiring_.events.log({"eror", key_text(record.key) + ": " + recovered.error().message(), {{"pool", record.key.pool}}});
  }
  // Again: recovery renames and deletes.
  for (const VolumeRecord& record : TRY(load_volumes(wiring_.database))) {
    if (record.phase == VolumePhase::kReady || record.phase == VolumePhase::kSettling) table_.put(record);
  }
  return sweep_incoming();
}

Result<void> CustomVolumes::recover(const VolumeRecord& record) {
  switch (record.phase) {
    case VolumePhase::kReady:
    case VolumePhase::kSettling:
      return kOk;
    case VolumePhase::kCreating:
    case VolumePhase::kDeleting:
      return finish_removal(record);
    case VolumePhase::kSwapping:
      TRY(replace_root(wiring_.pools, incoming_volume_at(record.key), volume_at(record.key)));
      TRY(apply_size(record));
      return set_volume_phase(wiring_.database, record.id, VolumePhase::kReady, "");
    case VolumePhase::kRenaming:
      break;
  }
  if (record.snapshot.empty()) return finish_renaming(record);
  const PoolAccess pool = TRY(wiring_.pools.access(record.key.pool));
  const auto from = stored_snapshot(record.key, record.snapshot);
  if (TRY(storage::volume_exists(pool.spec, from)))
    TRY(pool.driver->rename(from, stored_snapshot(record.key, record.next_name)));
  VolumeRecord renamed = record;
  renamed.snapshot = std::exchange(renamed.next_name, "");
  renamed.phase = VolumePhase::kReady;
  return update_volume(wiring_.database, renamed);
}

Result<void> CustomVolumes::sweep_incoming() {
  for (const Pool& pool : wiring_.pools.list()) {
    const auto access = wiring_.pools.access(pool.name);
    if (!access.ok()) continue;  // logged when it did not come up
    for (const auto& name : TRY(storage::list_volumes(access->spec, storage::VolumeKind::kCustom))) {
      const VolumeAt volume{pool.name, {storage::VolumeKind::kCustom, name}};
      if (is_incoming(volume)) TRY(wiring_.pools.remove_volume(volume.pool, volume.volume));
    }
  }
  return kOk;
}

Result<void> CustomVolumes::settle() {
  for (VolumeRecord& record : table_.volumes("", "")) {
    if (record.phase != VolumePhase::kSettling) continue;
    const VolumeKey before{record.key.pool, record.key.project, record.next_name};
    TRY_CONTEXT(key_text(record.key), users_->volume_renamed(before, record.key));
    TRY(set_volume_phase(wiring_.database, record.id, VolumePhase::kReady, ""));
    record.phase = VolumePhase::kReady;
    record.next_name.clear();
    table_.put(record);
  }
  return kOk;
}

}  // namespace cella::manager
