#include "manager/instance_exits.h"

#include <csignal>
#include <sys/wait.h>

#include "manager/database.h"
#include "manager/events.h"
#include "manager/instance_events.h"
#include "manager/keeper_link.h"
#include "manager/volatile_keys.h"

namespace cella::manager {
namespace {

constexpr unsigned kThreads = 8;

}  // namespace

bool is_reboot(std::optional<int> wait_status) {
  return wait_status && WIFSIGNALED(*wait_status) && WTERMSIG(*wait_status) == SIGHUP;
}

InstanceExits::InstanceExits(const InstanceSurroundings& around, InstanceLauncher& launcher,
                             std::function<Result<void>(const EntryPtr&)> remove)
    : around_(around),
      launcher_(launcher),
      remove_(std::move(remove)),
      pool_(std::make_shared<OperationPool>(kThreads)) {}

InstanceExits::~InstanceExits() { pool_->drain(); }

void InstanceExits::report(const runtime::ContainerExit& exit) {
  pool_->run([this, exit] { work_off(exit); });
}

void InstanceExits::work_off(const runtime::ContainerExit& exit) {
  const auto found = around_.set.find(exit.name);
  if (found.ok()) {
    const EntryPtr& entry = *found;
    std::lock_guard run(entry->run);
    const auto running = around_.set.running(*entry);
    if (running != nullptr && running->init == exit.init) {
      end_run(entry, exit);
      return;
    }
    // A launch that was never committed, or an exit that was worked off before: only the keeper still remembers it.
    if (running == nullptr) (void)around_.hierarchy.destroy(cgroup_name(exit.name), std::chrono::seconds(2));
  }
  if (const auto keeper = around_.keeper.client(); keeper.ok()) {
    (void)(*keeper)->acknowledge_exit(exit.name, exit.init);
  }
}

void InstanceExits::end_run(const EntryPtr& entry, const runtime::ContainerExit& exit) {
  const auto intent = [&] {
    std::shared_lock lock(around_.set.mutex());
    return entry->intent;
  }();
  if (intent == StopIntent::kNone && is_reboot(exit.wait_status)) {
    restart(entry);
    return;
  }
  launcher_.finish(entry, InstanceLauncher::Next::kStopped);
  const auto record = around_.set.record(*entry);
  if (intent == StopIntent::kNone) {
    tell_of_instance(around_.events, "instance-shutdown", record.name, std::nullopt);
  }
  if (!record.ephemeral || intent == StopIntent::kRestart) return;
  const auto removed = remove_(entry);
  if (!removed.ok()) {
    around_.events.log({"eror", "cannot delete ephemeral instance: " + removed.error().message(),
                        {{"instance", record.name}}});
  }
}

void InstanceExits::restart(const EntryPtr& entry) {
  launcher_.finish(entry, InstanceLauncher::Next::kRestarts);
  const auto started = launcher_.start(entry);
  const auto record = around_.set.record(*entry);
  if (started.ok()) {
    tell_of_instance(around_.events, "instance-restarted", record.name, std::nullopt);
    return;
  }
  around_.events.log({"eror", "cannot start again after a reboot: " + started.error().message(),
                      {{"instance", record.name}}});
  auto next = record;
  set_stopped_keys(next.config);
  (void)update_instance(around_.database, record, next);
  around_.set.change(*entry, [&](InstanceEntry& changed) {
    changed.record.config = next.config;
    changed.status = StatusCode::kStopped;
    changed.last_failure = started.error().message();
  });
}

}  // namespace cella::manager
