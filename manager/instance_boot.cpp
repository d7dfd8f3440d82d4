#include "manager/instance_boot.h"

#include <algorithm>
#include <map>

#include "base/units.h"
#include "manager/database.h"
#include "manager/device_rules.h"
#include "manager/events.h"
#include "manager/names.h"
#include "manager/warnings.h"

namespace cella::manager {
namespace {

constexpr int kDefaultShutdownSeconds = 30;
constexpr const char* kLastPower = "volatile.last_state.power";

std::int64_t number_or(const Config& config, const std::string& key, std::int64_t absent) {
  const auto& text = device_value(config, key);
  const auto number = parse_signed(key, text);
  return text.empty() || !number.ok() ? absent : *number;
}

bool wants_start(const Config& config) {
  const auto& autostart = device_value(config, "boot.autostart");
  if (autostart.empty()) return device_value(config, kLastPower) == "RUNNING";
  const auto wanted = parse_bool("boot.autostart", autostart);
  return wanted.ok() && *wanted;
}

struct Candidate {
  std::string name;
  Config config;
  std::int64_t priority;
};

// Highest priority first, by name among equals.
std::vector<Candidate> candidates(InstanceSet& set, const std::string& priority_key, StatusCode status) {
  std::vector<Candidate> found;
  for (const auto& entry : set.list()) {
    std::shared_lock lock(set.mutex());
    const bool fits = status == StatusCode::kStopped ? entry->running == nullptr : entry->running != nullptr;
    if (!fits) continue;
    Config config = entry->expanded_config;
    // The expanded one is as it was at the last change of the configuration; a run may have ended since.
    config[kLastPower] = device_value(entry->record.config, kLastPower);
    const auto priority = number_or(config, priority_key, 0);
    found.push_back({entry->record.name, std::move(config), priority});
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.priority > b.priority; });
  return found;
}

}  // namespace

void InstanceBoot::end() {
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
  }
  ending_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void InstanceBoot::start_instances() {
  if (!thread_.joinable()) thread_ = std::thread([this] { start_in_order(); });
}

bool InstanceBoot::pause(std::chrono::seconds delay) {
  std::unique_lock lock(mutex_);
  return ending_.wait_for(lock, delay, [this] { return ended_; });
}

void InstanceBoot::start_in_order() {
  for (const auto& candidate : candidates(around_.set, "boot.autostart.priority", StatusCode::kStopped)) {
    if (!wants_start(candidate.config)) continue;
    const auto started = control_.change_state(candidate.name, {.action = StateAction::kStart}, std::nullopt);
    auto failure = started.ok() ? std::string() : started.error().message();
    if (started.ok()) {
      const auto record = around_.operations.wait(*started, std::nullopt);
      if (record.ok()) failure = record->error;
    }
    if (failure.empty()) {
      around_.warnings.resolve(WarningKind::kAutostartFailure, project_of(candidate.name), instance_url(candidate.name));
    } else {
      around_.warnings.raise(WarningKind::kAutostartFailure, project_of(candidate.name), instance_url(candidate.name),
                             failure);
      around_.events.log({"eror", "cannot start at boot: " + failure, {{"instance", candidate.name}}});
    }
    if (pause(std::chrono::seconds(number_or(candidate.config, "boot.autostart.delay", 0)))) return;
  }
}

void InstanceBoot::stop_instances() {
  const auto running = candidates(around_.set, "boot.stop.priority", StatusCode::kRunning);
  for (std::size_t first = 0; first < running.size();) {
    std::vector<std::pair<std::string, OperationId>> stopping;
    std::size_t next = first;
    for (; next < running.size() && running[next].priority == running[first].priority; ++next) {
      StateChange change{.action = StateAction::kStop};
      change.timeout_seconds = static_cast<int>(
          number_or(running[next].config, "boot.host_shutdown_timeout", kDefaultShutdownSeconds));
      const auto id = control_.change_state(running[next].name, change, std::nullopt);
      stopping.emplace_back(running[next].name, id.ok() ? *id : OperationId());
    }
    for (const auto& [name, id] : stopping) {
      const auto record = around_.operations.wait(id, std::nullopt);
      if (!record.ok() || record->status != StatusCode::kSuccess) {
        const auto killed = control_.change_state(name, {.action = StateAction::kStop, .force = true}, std::nullopt);
        if (killed.ok()) (void)around_.operations.wait(*killed, std::nullopt);
      }
      const auto entry = around_.set.find(name);
      if (!entry.ok()) continue;
      auto present = around_.set.record(**entry);
      auto kept = present;
      kept.config["volatile.last_state.power"] = "RUNNING";
      if (!update_instance(around_.database, present, kept).ok()) continue;
      around_.set.change(**entry, [&](InstanceEntry& changed) { changed.record.config = kept.config; });
    }
    first = next;
  }
}

}  // namespace cella::manager
