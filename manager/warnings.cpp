#include "manager/warnings.h"

#include <algorithm>
#include <array>

#include "manager/database.h"
#include "manager/instance_records.h"
#include "manager/operations.h"

namespace cella::manager {
namespace {

constexpr std::chrono::hours kKeepResolved{24};

constexpr Migration kMigrations[] = {{1, R"(
CREATE TABLE warnings (
  uuid TEXT PRIMARY KEY,
  project TEXT NOT NULL,
  kind INTEGER NOT NULL,
  status INTEGER NOT NULL,
  severity INTEGER NOT NULL,
  count INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  last_message TEXT NOT NULL,
  entity_url TEXT NOT NULL
) WITHOUT ROWID;
)"}};

struct KindRow {
  WarningKind kind;
  std::string_view text;
  WarningSeverity severity;
  bool found_at_start;  // every start looks for it
};

constexpr std::array kKinds{
    KindRow{WarningKind::kNoCpuController, "Couldn't find the CGroup CPU controller", WarningSeverity::kLow, true},
    KindRow{WarningKind::kNoCpusetController, "Couldn't find the CGroup CPUset controller", WarningSeverity::kLow, true},
    KindRow{WarningKind::kNoIoController, "Couldn't find the CGroup blkio", WarningSeverity::kLow, true},
    KindRow{WarningKind::kNoMemoryController, "Couldn't find the CGroup memory controller", WarningSeverity::kLow, true},
    KindRow{WarningKind::kNoPidsController, "Couldn't find the CGroup pids controller", WarningSeverity::kLow, true},
    KindRow{WarningKind::kNoHugetlbController, "Couldn't find the CGroup hugetlb controller", WarningSeverity::kLow, true},
    KindRow{WarningKind::kNetworkUnavailable, "Network unavailable", WarningSeverity::kHigh, true},
    KindRow{WarningKind::kPoolUnavailable, "Storage pool unavailable", WarningSeverity::kHigh, true},
    KindRow{WarningKind::kAutostartFailure, "Failed to autostart instance", WarningSeverity::kLow, false},
    KindRow{WarningKind::kScheduledSnapshotFailure, "Failed to take a scheduled snapshot", WarningSeverity::kModerate,
            false},
    KindRow{WarningKind::kNoDevicePrograms, "Instances cannot be started: no cgroup device programs",
            WarningSeverity::kHigh, true},
    KindRow{WarningKind::kRootNotShared, "/ is not a shared mount", WarningSeverity::kLow, true},
};

const KindRow& row_of(WarningKind kind) {
  return *std::find_if(kKinds.begin(), kKinds.end(), [&](const KindRow& row) { return row.kind == kind; });
}

bool is_kind(std::int64_t number) {
  return std::any_of(kKinds.begin(), kKinds.end(),
                     [&](const KindRow& row) { return static_cast<std::int64_t>(row.kind) == number; });
}

Error not_found(const std::string& uuid) { return Error(ErrorKind::kNotFound, "warning " + uuid + " not found"); }

}  // namespace

const Schema& warning_schema() {
  static const Schema schema{"warnings", kMigrations};
  return schema;
}

std::string_view warning_text(WarningKind kind) { return row_of(kind).text; }

std::string_view severity_text(WarningSeverity severity) {
  constexpr std::array<std::string_view, 3> kTexts{"low", "moderate", "high"};
  return kTexts[static_cast<std::size_t>(severity)];
}

std::string_view status_text(WarningStatus status) {
  constexpr std::array<std::string_view, 3> kTexts{"new", "acknowledged", "resolved"};
  return kTexts[static_cast<std::size_t>(status)];
}

Result<std::unique_ptr<Warnings>> Warnings::load(Database& database, Events& events) {
  std::unique_ptr<Warnings> loaded(new Warnings(database, events));
  auto query = TRY(database.prepare("SELECT uuid, project, kind, status, severity, count, first_seen, last_seen, "
                                    "last_message, entity_url FROM warnings ORDER BY first_seen"));
  while (TRY(query.step())) {
    if (!is_kind(query.number(2))) continue;  // of a newer daemon
    Warning warning;
    warning.uuid = query.text(0);
    warning.project = query.text(1);
    warning.kind = static_cast<WarningKind>(query.number(2));
    warning.status = static_cast<WarningStatus>(query.number(3));
    warning.severity = static_cast<WarningSeverity>(query.number(4));
    warning.count = query.number(5);
    warning.first_seen = from_nanoseconds(query.number(6));
    warning.last_seen = from_nanoseconds(query.number(7));
    warning.last_message = query.text(8);
    warning.entity_url = query.text(9);
    loaded->warnings_.push_back(std::move(warning));
  }
  return loaded;
}

std::vector<Warning> Warnings::list() const {
  const std::lock_guard lock(mutex_);
  return warnings_;
}

Result<Warning> Warnings::find(const std::string& uuid) const {
  const std::lock_guard lock(mutex_);
  for (const Warning& warning : warnings_) {
    if (warning.uuid == uuid) return warning;
  }
  return not_found(uuid);
}

Result<void> Warnings::store_locked(const Warning& warning) {
  auto store = TRY(database_.prepare(
      "INSERT OR REPLACE INTO warnings (uuid, project, kind, status, severity, count, first_seen, last_seen, "
      "last_message, entity_url) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  return store
      .bind(warning.uuid, warning.project, static_cast<int>(warning.kind), static_cast<int>(warning.status),
            static_cast<int>(warning.severity), warning.count, to_nanoseconds(warning.first_seen),
            to_nanoseconds(warning.last_seen), warning.last_message, warning.entity_url)
      .run();
}

void Warnings::tell(const char* action, const std::string& uuid, const Caller& caller) {
  // Of no project: what ails the host is told to those who may see all of it.
  events_.lifecycle({action, "/1.0/warnings/" + uuid, {}, caller}, "");
}

void Warnings::log_failure(const Result<void>& outcome) {
  if (!outcome.ok()) events_.log({"eror", "cannot store a warning: " + outcome.error().message(), {}});
}

Result<void> Warnings::set_status(const std::string& uuid, WarningStatus status, const Caller& caller) {
  if (status == WarningStatus::kResolved) {
    return Error(ErrorKind::kDenied, "status: may only be set to \"acknowledged\" or \"new\"");
  }
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(warnings_.begin(), warnings_.end(), [&](const auto& w) { return w.uuid == uuid; });
    if (found == warnings_.end()) return not_found(uuid);
    Warning changed = *found;
    changed.status = status;
    TRY(store_locked(changed));
    *found = std::move(changed);
  }
  tell(status == WarningStatus::kNew ? "warning-reset" : "warning-acknowledged", uuid, caller);
  return kOk;
}

Result<void> Warnings::remove(const std::string& uuid, const Caller& caller) {
  {
    const std::lock_guard lock(mutex_);
    auto removal = TRY(database_.prepare("DELETE FROM warnings WHERE uuid = ?"));
    TRY(removal.bind(uuid).run());
    if (std::erase_if(warnings_, [&](const auto& w) { return w.uuid == uuid; }) == 0) return not_found(uuid);
  }
  tell("warning-deleted", uuid, caller);
  return kOk;
}

void Warnings::raise(WarningKind kind, const std::string& project, const std::string& entity_url,
                     const std::string& message) {
  const auto now = std::chrono::system_clock::now();
  const auto store = [&]() -> Result<void> {
    const std::lock_guard lock(mutex_);
    for (Warning& present : warnings_) {
      if (present.kind != kind || present.project != project || present.entity_url != entity_url) continue;
      ++present.count;
      present.last_seen = now;
      present.last_message = message;
      if (present.status == WarningStatus::kResolved) present.status = WarningStatus::kNew;
      return store_locked(present);
    }
    Warning warning;
    warning.uuid = random_uuid();
    warning.project = project;
    warning.kind = kind;
    warning.severity = row_of(kind).severity;
    warning.first_seen = warning.last_seen = now;
    warning.last_message = message;
    warning.entity_url = entity_url;
    warnings_.push_back(warning);
    return store_locked(warning);
  };
  log_failure(store());
}

void Warnings::resolve(WarningKind kind, const std::string& project, const std::string& entity_url) {
  const auto store = [&]() -> Result<void> {
    const std::lock_guard lock(mutex_);
    for (Warning& present : warnings_) {
      const bool same = present.kind == kind && present.project == project && present.entity_url == entity_url;
      if (!same || present.status == WarningStatus::kResolved) continue;
      present.status = WarningStatus::kResolved;
      present.last_seen = std::chrono::system_clock::now();
      TRY(store_locked(present));
    }
    return kOk;
  };
  log_failure(store());
}

void Warnings::resolve_unseen_since(Timestamp moment) {
  for (const Warning& warning : list()) {
    if (row_of(warning.kind).found_at_start && warning.last_seen < moment) {
      resolve(warning.kind, warning.project, warning.entity_url);
    }
  }
}

void Warnings::remove_old(Timestamp now) {
  for (const Warning& warning : list()) {
    if (warning.status != WarningStatus::kResolved || warning.last_seen + kKeepResolved > now) continue;
    log_failure(remove(warning.uuid, std::nullopt));
  }
}

std::optional<Timestamp> Warnings::next_removal() const {
  std::optional<Timestamp> next;
  for (const Warning& warning : list()) {
    if (warning.status != WarningStatus::kResolved) continue;
    const auto due = warning.last_seen + kKeepResolved;
    if (!next || due < *next) next = due;
  }
  return next;
}

}  // namespace cella::manager
