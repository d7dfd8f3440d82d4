// Finding the instances again: after a restart of the daemon, and after the keeper was lost.
#pragma once

#include "base/result.h"
#include "manager/instance_copies.h"
#include "manager/instance_exits.h"
#include "manager/instance_launcher.h"
#include "manager/instance_removal.h"
#include "manager/instance_restore.h"
#include "manager/instance_set.h"
#include "manager/instance_snapshots.h"
#include "manager/instance_surroundings.h"

namespace cella::manager {

// around and the others outlive it.
class InstanceRecovery {
 public:
  InstanceRecovery(const InstanceSurroundings& around, InstanceLauncher& launcher, InstanceRemoval& removal,
                   InstanceSnapshots& snapshots, InstanceRestore& restore, InstanceCopies& copies)
      : around_(around),
        launcher_(launcher),
        removal_(removal),
        snapshots_(snapshots),
        restore_(restore),
        copies_(copies) {}

  // Fills the set from the database: half-made and half-deleted instances go, renames are ended.
  // Errors: the database's. What cannot be cleaned up is logged and kept for the next time.
  Result<void> load();

  // Joins what the keeper runs with the records: running containers are taken up, adopted from a dead keeper, or found
  // gone; containers without a record are killed. Exits the keeper still holds are left to InstanceExits.
  Result<void> find_running();

  // After a new keeper was opened in place of a lost one: hands it every running container.
  void adopt_all();

  // What carries proxies has outlived the last daemon, or was lost: proxies of running containers that are not served are
  // started again, those of others end. What cannot be served is logged.
  void recover_proxies();

  // Listens again for the processes inside of running containers. Takes as long as the slowest of them, 12 s at most each.
  void recover_guests();

 private:
  Result<void> load_one(InstanceRecord record, std::vector<SnapshotRecord> snapshots);
  Result<void> sweep();
  void take_up(const EntryPtr& entry, const runtime::ContainerStatus* known);
  void lost(const EntryPtr& entry);
  std::shared_ptr<RunningContainer> make_running(const InstanceEntry& entry, runtime::KeeperClient* keeper);
  Result<runtime::Adoption> adopt(const EntryPtr& entry);
  void log(const std::string& instance, const Error& error) const;

  const InstanceSurroundings& around_;
  InstanceLauncher& launcher_;
  InstanceRemoval& removal_;
  InstanceSnapshots& snapshots_;
  InstanceRestore& restore_;
  InstanceCopies& copies_;
};

}  // namespace cella::manager
