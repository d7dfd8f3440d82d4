// Instances in the database. In-memory twins are instance_set.h's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/config.h"
#include "manager/operation.h"
#include "runtime/client.h"

namespace cella::manager {

class ApprovedInstance;
class Database;
struct Schema;

// How far the making or unmaking of an instance has come; what a restarted daemon finishes or undoes.
enum class InstancePhase : std::uint8_t {
  kCreating,  // the root volume may be missing or half-made: undone
  kReady,
  kRenaming,  // to next_name: finished
  kDeleting,  // finished
  kRestoring,  // the snapshot next_name; its copy may be half-made: undone
  kSwapping,   // the copy of snapshot next_name takes the root's place: finished
  kMoving,     // being copied to pool next_name: undone
  kLeaving,    // in its pool; what is left in pool next_name goes
};

// A launch that succeeded. Present in the database exactly while the container is thought to run.
struct RunRecord {
  runtime::ProcessIdentity init;
  std::string cgroup;  // name below the hierarchy's root
  std::string handle;  // pidfs handle of init
  bool operator==(const RunRecord&) const = default;
};

struct InstanceRecord {
  std::int64_t id = 0;
  std::string name;  // qualified (names.h)
  InstancePhase phase = InstancePhase::kCreating;
  std::string next_name;  // while renaming: qualified
  std::string description;
  std::string architecture;
  bool ephemeral = false;
  Timestamp created_at;
  Timestamp last_used_at;  // epoch: never
  Config config;           // with volatile.*
  Devices devices;
  std::vector<std::string> profiles;
  std::uint32_t id_base = 0;  // first host id of its range
  std::uint32_t id_size = 65536;
  std::string pool;           // of the root volume
  std::optional<RunRecord> run;
};

// Tables of instances, their id ranges and runs.
const Schema& instance_schema();

Result<std::vector<InstanceRecord>> load_instances(Database& database);

// Inserts everything but the id range; returns the new id. Errors: kExists for a taken name.
Result<std::int64_t> insert_instance(Database& database, const ApprovedInstance& instance);
// Makes the database say `next` where it says `present`; only differences are written. Run and id range are left alone.
Result<void> update_instance(Database& database, const InstanceRecord& present, const ApprovedInstance& next);
// The same for what needs no approval. Errors: as check_bookkeeping().
Result<void> update_instance(Database& database, const InstanceRecord& present, const InstanceRecord& next);

// Whether they differ in nothing that a project's policy looks at. Errors: kInternal naming what differs.
Result<void> check_bookkeeping(const InstanceRecord& present, const InstanceRecord& next);
Result<void> set_phase(Database& database, std::int64_t id, InstancePhase phase, const std::string& next_name);
Result<void> write_run(Database& database, std::int64_t id, const RunRecord& run);
Result<void> remove_run(Database& database, std::int64_t id);
// Takes config, devices, profiles, run and id range with it.
Result<void> delete_instance(Database& database, std::int64_t id);

// Nanoseconds since the epoch, as all tables here hold times.
std::int64_t to_nanoseconds(Timestamp time);
Timestamp from_nanoseconds(std::int64_t nanoseconds);

}  // namespace cella::manager
