// What is wrong with this host or its objects and does not stop the daemon: raised, resolved and kept until it is old.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "manager/events.h"

namespace cella::manager {

class Database;
struct Schema;

const Schema& warning_schema();

// LXD's kinds with a cause here, and our own. Numbers are in the database.
enum class WarningKind : std::uint8_t {
  kNoCpuController = 1,
  kNoCpusetController = 2,
  kNoIoController = 3,
  kNoMemoryController = 4,
  kNoPidsController = 5,
  kNoHugetlbController = 6,
  kNetworkUnavailable = 7,
  kPoolUnavailable = 8,
  kAutostartFailure = 9,
  kScheduledSnapshotFailure = 10,
  kNoDevicePrograms = 11,
  kRootNotShared = 12,
};
// As LXD words it: "Network unavailable".
std::string_view warning_text(WarningKind kind);

enum class WarningSeverity : std::uint8_t { kLow, kModerate, kHigh };
enum class WarningStatus : std::uint8_t { kNew, kAcknowledged, kResolved };
std::string_view severity_text(WarningSeverity severity);  // "low", …
std::string_view status_text(WarningStatus status);        // "new", …

struct Warning {
  std::string uuid;
  std::string project;  // empty: of the host
  WarningKind kind = WarningKind::kNoCpuController;
  WarningStatus status = WarningStatus::kNew;
  WarningSeverity severity = WarningSeverity::kLow;
  std::int64_t count = 1;
  Timestamp first_seen;
  Timestamp last_seen;
  std::string last_message;
  std::string entity_url;  // "/1.0/networks/br0"; empty: the host
};

// In memory and in the database. Thread-safe. events outlives it.
class Warnings {
 public:
  using Caller = std::optional<Requestor>;
  static Result<std::unique_ptr<Warnings>> load(Database& database, Events& events);

  std::vector<Warning> list() const;                      // by time of the first sight
  Result<Warning> find(const std::string& uuid) const;    // kNotFound
  // By a client: to acknowledged, or back to new. Errors: kNotFound; kDenied for resolved.
  Result<void> set_status(const std::string& uuid, WarningStatus status, const Caller& caller);
  Result<void> remove(const std::string& uuid, const Caller& caller);

  // One warning for each kind, project and entity: seen again it counts up, and is new again if it was resolved.
  // What cannot be stored is logged.
  void raise(WarningKind kind, const std::string& project, const std::string& entity_url, const std::string& message);
  // The cause is gone. Nothing happens when there is no such warning.
  void resolve(WarningKind kind, const std::string& project, const std::string& entity_url);
  // What was found before `moment` and not again since, of the kinds that every start of the daemon looks for.
  void resolve_unseen_since(Timestamp moment);

  // Resolved ones are deleted a day after they were last seen or changed.
  void remove_old(Timestamp now);
  std::optional<Timestamp> next_removal() const;

 private:
  Warnings(Database& database, Events& events) : database_(database), events_(events) {}
  Result<void> store_locked(const Warning& warning);
  void tell(const char* action, const std::string& uuid, const Caller& caller);
  void log_failure(const Result<void>& outcome);

  Database& database_;
  Events& events_;
  mutable std::mutex mutex_;
  std::vector<Warning> warnings_;
};

}  // namespace cella::manager
