// All the classes behind Instances, built in order and torn down in the reverse.
#pragma once

#include "manager/cpu_balance.h"
#include "manager/guest_api.h"
#include "manager/instance_boot.h"
#include "manager/instance_control.h"
#include "manager/instance_copies.h"
#include "manager/instance_creation.h"
#include "manager/instance_exits.h"
#include "manager/instance_files.h"
#include "manager/instance_launcher.h"
#include "manager/instance_metadata.h"
#include "manager/instance_migration.h"
#include "manager/instance_recovery.h"
#include "manager/instance_removal.h"
#include "manager/instance_restore.h"
#include "manager/instance_set.h"
#include "manager/instance_snapshots.h"
#include "manager/instance_surroundings.h"
#include "manager/instance_update.h"
#include "manager/instance_views.h"

namespace cella::manager {

struct InstanceParts {
  // around.set must be `set`.
  InstanceParts(InstanceSet& set, InstanceSurroundings surroundings)
      : set(set),
        around(std::move(surroundings)),
        balance(set, around.usable_cpus),
        files(set, around.pools),
        metadata(set, around.pools),
        launcher(around, balance, files),
        removal(around, files),
        snapshots(around),
        control(around, launcher, snapshots),
        creation(around),
        update(around, balance),
        views(around),
        restore(around, control, launcher, files),
        copies(around, creation, snapshots, removal, files),
        refresh(around, copies, snapshots, restore, files),
        migration(around, creation, snapshots, copies, files, refresh),
        recovery(around, launcher, removal, snapshots, restore, copies),
        exits(around, launcher, [this](const EntryPtr& entry) { return removal.remove_now(entry, std::nullopt); }),
        boot(around, control),
        guests(around) {}
  InstanceParts(const InstanceParts&) = delete;
  InstanceParts& operator=(const InstanceParts&) = delete;

  InstanceSet& set;
  const InstanceSurroundings around;
  CpuBalance balance;
  InstanceFiles files;
  InstanceMetadata metadata;
  InstanceLauncher launcher;
  InstanceRemoval removal;
  InstanceSnapshots snapshots;
  InstanceControl control;
  InstanceCreation creation;
  InstanceUpdate update;
  InstanceViews views;
  InstanceRestore restore;
  InstanceCopies copies;
  InstanceRefresh refresh;
  InstanceMigration migration;
  InstanceRecovery recovery;
  InstanceExits exits;
  InstanceBoot boot;
  GuestApi guests;
};

}  // namespace cella::manager
