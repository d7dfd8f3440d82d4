#include "manager/instance_pause.h"

#include <algorithm>

#include "base/rollback.h"
#include "cgroups/freeze.h"
#include "manager/database.h"
#include "manager/events.h"
#include "manager/instance_events.h"
#include "manager/volume_copies.h"

namespace cella::manager {
namespace {

constexpr std::chrono::seconds kPatience{10};

}  // namespace

Result<InstancePause> InstancePause::begin(const InstanceSurroundings& around, const EntryPtr& entry) {
  auto record = around.set.record(*entry);
  auto running = around.set.running(*entry);
  const bool frozen = around.set.status(*entry) == StatusCode::kFrozen;
  if (running == nullptr || frozen || TRY(copies_at_once(around.pools, record.pool))) {
    return InstancePause(around, nullptr, std::move(record));
  }
  TRY(write_pause(around.database, record.id));
  const auto held = cgroups::freeze(running->cgroup, kPatience);
  if (!held.ok()) {
    (void)remove_pause(around.database, record.id);
    return Error(held.error()).with_context("pause instance " + record.name);
  }
  tell_of_instance(around.events, "instance-paused", record.name, std::nullopt);
  return InstancePause(around, std::move(running), std::move(record));
}

InstancePause::~InstancePause() {
  if (running_ == nullptr) return;
  const auto resumed = cgroups::unfreeze(running_->cgroup, kPatience);
  // Killed meanwhile: its cgroup is gone, and nothing is left to resume.
  if (!resumed.ok() && resumed.error().kind() != ErrorKind::kNotFound) {
    around_.events.log({"eror", "cannot resume: " + resumed.error().message(), {{"instance", record_.name}}});
    return;
  }
  (void)remove_pause(around_.database, record_.id);
  tell_of_instance(around_.events, "instance-resumed", record_.name, std::nullopt);
}

Result<void> end_pauses(const InstanceSurroundings& around) {
  const auto held = TRY(load_pauses(around.database));
  for (const auto& entry : around.set.list()) {
    const auto id = around.set.record(*entry).id;
    if (std::find(held.begin(), held.end(), id) == held.end()) continue;
    if (const auto running = around.set.running(*entry); running != nullptr) {
      TRY(cgroups::unfreeze(running->cgroup, kPatience));
      around.set.change(*entry, [](InstanceEntry& changed) {
        if (changed.status == StatusCode::kFrozen) changed.status = StatusCode::kRunning;
      });
    }
    TRY(remove_pause(around.database, id));
  }
  return kOk;
}

}  // namespace cella::manager
