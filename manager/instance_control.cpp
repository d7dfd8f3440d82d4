#include "manager/instance_control.h"

#include <csignal>

#include "base/syscalls.h"
#include "cgroups/freeze.h"
#include "manager/claimed_work.h"
#include "manager/events.h"
#include "manager/instance_schedules.h"
#include "manager/instance_events.h"
#include "manager/stop_signal.h"

namespace cella::manager {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kDefaultTimeout{600};
constexpr std::chrono::seconds kFreezePatience{10};
constexpr std::chrono::seconds kKillPatience{60};
constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{1000};

struct ActionTexts {
  InstanceWork work;
  const char* description;
  const char* event;
};

ActionTexts texts(StateAction action) {
  switch (action) {
    case StateAction::kStart: return {InstanceWork::kStart, "Starting instance", "instance-started"};
    case StateAction::kStop: return {InstanceWork::kStop, "Stopping instance", "instance-stopped"};
    case StateAction::kRestart: return {InstanceWork::kRestart, "Restarting instance", "instance-restarted"};
    case StateAction::kFreeze: return {InstanceWork::kFreeze, "Freezing instance", "instance-paused"};
    case StateAction::kUnfreeze: return {InstanceWork::kUnfreeze, "Unfreezing instance", "instance-resumed"};
  }
  return {};
}

Result<void> check_state(StateAction action, StatusCode status) {
  const auto fail = [](const char* text) { return Error(ErrorKind::kInvalid, text); };
  const bool stopped = status == StatusCode::kStopped || status == StatusCode::kError;
  switch (action) {
    case StateAction::kStart:
      if (!stopped) return fail("The instance is already running");
      break;
    case StateAction::kStop:
      if (stopped) return fail("The instance is already stopped");
      break;
    case StateAction::kRestart:
      if (stopped) return fail("The instance isn't running");
      break;
    case StateAction::kFreeze:
      if (stopped) return fail("The instance isn't running");
      if (status == StatusCode::kFrozen) return fail("The instance is already frozen");
      break;
    case StateAction::kUnfreeze:
      if (stopped) return fail("The instance isn't running");
      if (status != StatusCode::kFrozen) return fail("The instance is already running");
      break;
  }
  return kOk;
}

std::chrono::seconds timeout_of(const StateChange& change) {
  return change.timeout_seconds < 0 ? kDefaultTimeout : std::chrono::seconds(change.timeout_seconds);
}

}  // namespace

Result<OperationId> InstanceControl::change_state(const std::string& name, const StateChange& change,
                                                  const Caller& caller) {
  if (change.stateful) {
    return Error(ErrorKind::kUnsupported, "stateful: saving a container's memory is not implemented");
  }
  const auto entry = TRY(around_.set.find(name));
  if (change.action == StateAction::kStop && change.force) {
    // A forced stop does not wait for a graceful one: it makes an end of it.
    const auto work = [&] {
      std::shared_lock lock(around_.set.mutex());
      return entry->work;
    }();
    if (work == InstanceWork::kStop || work == InstanceWork::kRestart) return kill_operation(entry, caller);
  }
  return start_operation(name, change, caller);
}

Result<OperationId> InstanceControl::start_operation(const std::string& name, const StateChange& change,
                                                     const Caller& caller) {
  const auto action = texts(change.action);
  auto claim = TRY(around_.set.claim(name, action.work));
  TRY(check_state(change.action, around_.set.status(*claim.entry())));
  return start_claimed(around_.operations, instance_request(action.description, name), std::move(claim),
                       [this, change, action, name, caller](const EntryPtr& entry,
                                                            const OperationHandle& operation) -> Result<void> {
                         TRY(carry_out(entry, change, operation));
                         tell(action.event, name, caller);
                         return kOk;
                       });
}

Result<OperationId> InstanceControl::kill_operation(const EntryPtr& entry, const Caller& caller) {
  const auto name = around_.set.record(*entry).name;
  return around_.operations.start(
      instance_request(texts(StateAction::kStop).description, name),
      [this, entry, name, caller](const OperationHandle& operation) -> Result<void> {
        TRY(stop(entry, {.force = true}, operation));
        tell("instance-stopped", name, caller);
        return kOk;
      });
}

Result<void> InstanceControl::carry_out(const EntryPtr& entry, const StateChange& change,
                                        const OperationHandle& operation) {
  switch (change.action) {
    case StateAction::kStart: return start(entry, operation);
    case StateAction::kStop:
      return stop(entry, {StopIntent::kStop, change.force, timeout_of(change)}, operation);
    case StateAction::kRestart:
      TRY(stop(entry, {StopIntent::kRestart, change.force, timeout_of(change)}, operation));
      return start(entry, operation);
    case StateAction::kFreeze:
    case StateAction::kUnfreeze: return set_frozen(entry, change.action);
  }
  return kOk;
}

Result<void> InstanceControl::start(const EntryPtr& entry, const OperationHandle& operation) {
  std::lock_guard run(entry->run);
  const bool snapshot = [&] {
    std::shared_lock lock(around_.set.mutex());
    return snapshots_at_startup(entry->expanded_config);
  }();
  if (snapshot) TRY_CONTEXT("snapshots.schedule @startup", snapshots_.take(entry, operation));
  return launcher_.start(entry);
}

Result<void> InstanceControl::stop(const EntryPtr& entry, const StopRequest& request,
                                   const OperationHandle& operation) {
  const auto running = around_.set.running(*entry);
  if (running == nullptr) return kOk;
  const OperationHandle::Waiting waiting(operation);
  around_.set.change(*entry, [&](InstanceEntry& changed) { changed.intent = request.intent; });
  const auto timeout = request.force ? kKillPatience : request.timeout;
  const Stopping stopping{entry, *running, Clock::now() + timeout, operation.stop_token()};
  auto outcome = request.force ? kill(stopping) : ask_to_stop(stopping);
  if (!outcome.ok()) {
    around_.set.change(*entry, [](InstanceEntry& changed) { changed.intent = StopIntent::kNone; });
    return outcome;
  }
  // The exit may still be worked off (an ephemeral instance is being deleted): wait for that too.
  std::lock_guard run(entry->run);
  return kOk;
}

Result<void> InstanceControl::kill(const Stopping& stopping) {
  if (sys_pidfd_send_signal(stopping.running.pidfd.get(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH) {
    return errno_error(errno, "pidfd_send_signal SIGKILL to init of " + around_.set.record(*stopping.entry).name);
  }
  if (wait_for_end(stopping, stopping.deadline)) return kOk;
  return Error(ErrorKind::kTimeout, "init was killed and has not ended within 60 s");
}

Result<void> InstanceControl::ask_to_stop(const Stopping& stopping) {
  if (around_.set.status(*stopping.entry) == StatusCode::kFrozen) {
    TRY(set_frozen(stopping.entry, StateAction::kUnfreeze));
  }
  TRY(send_stop_signal(stopping));
  if (wait_for_end(stopping, stopping.deadline)) return kOk;
  if (stopping.token.stop_requested()) return Error(ErrorKind::kCancelled, "the daemon is going down");
  return Error(ErrorKind::kTimeout, "Failed shutting down instance, status is \"Running\": the time-out is over");
}

Result<void> InstanceControl::send_stop_signal(const Stopping& stopping) {
  for (auto pause = kFirstPause; !stopping.token.stop_requested(); pause = std::min(pause * 2, kLongestPause)) {
    const auto masks = read_signal_masks(stopping.running.init.pid);
    const auto visible = masks.ok() ? choose_stop_signal(*masks) : std::nullopt;
    // An init that shows no sign of handling any: it waits in sigtimedwait(2) and gets the signal all the same (busybox),
    // or it was only just started and will listen later. So it is asked again until it shows, or ends.
    const int signal = visible.value_or(SIGPWR);
    if (sys_pidfd_send_signal(stopping.running.pidfd.get(), signal, nullptr, 0) != 0 && errno != ESRCH) {
      return errno_error(errno, "pidfd_send_signal to init of " + around_.set.record(*stopping.entry).name);
    }
    const auto next_look = Clock::now() + pause;
    if (visible || next_look > stopping.deadline || wait_for_end(stopping, next_look)) break;
  }
  return kOk;
}

bool InstanceControl::wait_for_end(const Stopping& stopping, Clock::time_point deadline) {
  InstanceEntry& entry = *stopping.entry;
  const std::stop_callback wake(stopping.token, [&] { around_.set.change(entry, [](InstanceEntry&) {}); });
  const auto ended = [&] { return entry.gone || entry.running.get() != &stopping.running; };
  std::shared_lock lock(around_.set.mutex());
  entry.changed.wait_until(lock, deadline, [&] { return ended() || stopping.token.stop_requested(); });
  return ended();
}

Result<void> InstanceControl::set_frozen(const EntryPtr& entry, StateAction action) {
  const auto running = around_.set.running(*entry);
  if (running == nullptr) return Error(ErrorKind::kInvalid, "The instance isn't running");
  if (action == StateAction::kFreeze) {
    TRY(cgroups::freeze(running->cgroup, kFreezePatience));
  } else {
    TRY(cgroups::unfreeze(running->cgroup, kFreezePatience));
  }
  const auto status = action == StateAction::kFreeze ? StatusCode::kFrozen : StatusCode::kRunning;
  around_.set.change(*entry, [&](InstanceEntry& changed) {
    if (changed.running == running) changed.status = status;
  });
  return kOk;
}

void InstanceControl::tell(const char* action, const std::string& name, const Caller& caller) {
  tell_of_instance(around_.events, action, name, caller);
}

}  // namespace cella::manager
