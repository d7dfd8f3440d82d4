// The instances in memory: who exists, what state each is in, and who works on it.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/id_map.h"
#include "base/result.h"
#include "cgroups/cgroup.h"
#include "cgroups/limits.h"
#include "cgroups/notation.h"
#include "manager/instance.h"
#include "manager/instance_records.h"
#include "manager/network.h"
#include "manager/profiles.h"
#include "manager/seccomp_programs.h"
#include "manager/snapshot_records.h"
#include "netlink/socket.h"
#include "runtime/client.h"

namespace cella::manager {

// A running container's kernel objects. Shared by whoever looks at it; outlives the container harmlessly.
struct RunningContainer {
  runtime::ProcessIdentity init;
  PidFd pidfd;
  Fd console;  // the console's pty master, kept for the next keeper and never read; invalid when it is lost
  cgroups::Cgroup cgroup;
  std::string cgroup_name;  // below the hierarchy's root
  std::optional<IdMap> map;  // nullopt: it ended before it could be read
  SeccompProgram seccomp;    // what its later processes run under too

  std::mutex mutex;  // guards what follows
  cgroups::Limits limits;  // as written to the cgroup
  std::optional<cgroups::CpuRequest> cpu;
  struct AttachedNic {
    NicRequest request;
    std::string host_name;
    std::string interface_name;
  };
  std::vector<AttachedNic> nics;
  // Bound to the container's network namespace; opened at the first look.
  std::optional<netlink::Socket> network;
  std::optional<cgroups::Cgroup> exec_leaf;  // made at the first exec
};

// What holds an instance for itself at the moment.
enum class InstanceWork : std::uint8_t {
  kNone, kCreate, kStart, kStop, kRestart, kFreeze, kUnfreeze, kUpdate, kRename, kDelete,
  kSnapshot, kRestore, kCopy, kBackup
};
std::string_view work_text(InstanceWork work);  // "start", …

// Why a running container is about to end: its exit is then neither taken for a reboot nor for a surprise.
enum class StopIntent : std::uint8_t { kNone, kStop, kRestart };

struct InstanceEntry {
  // Held while the container is launched and while its exit is worked off, so that the two never mix. Taken before any
  // other lock.
  std::mutex run;

  // Everything below is guarded by InstanceSet::mutex().
  InstanceRecord record;
  Config expanded_config;
  Devices expanded_devices;
  std::vector<SnapshotRecord> snapshots;  // in order of creation
  StatusCode status = StatusCode::kStopped;
  InstanceWork work = InstanceWork::kNone;
  bool gone = false;           // deleted: no longer in the set
  StopIntent intent = StopIntent::kNone;
  std::shared_ptr<RunningContainer> running;
  std::optional<LaunchTrace> trace;
  std::string last_failure;    // why the latest start by itself (reboot, autostart) failed
  std::condition_variable_any changed;  // status, work or gone
};

using EntryPtr = std::shared_ptr<InstanceEntry>;

// Thread-safe. No kernel, database or network call is made while mutex() is held.
class InstanceSet {
 public:
  // Exclusive work on one instance; ends when destroyed.
  class Claim {
   public:
    Claim(InstanceSet& set, EntryPtr entry) : set_(&set), entry_(std::move(entry)) {}
    Claim(Claim&& other) noexcept = default;
    Claim& operator=(Claim&&) = delete;
    ~Claim();
    const EntryPtr& entry() const { return entry_; }

   private:
    InstanceSet* set_;
    EntryPtr entry_;
  };

  std::shared_mutex& mutex() const { return mutex_; }

  // Errors: kNotFound "instance NAME not found".
  Result<EntryPtr> find(const std::string& name) const;
  std::vector<EntryPtr> list() const;  // by qualified name

  // Work of milliseconds (start, freeze, update …) in progress is waited for, up to 1 s.
  // Errors: kNotFound; kBusy naming the work that holds it.
  Result<Claim> claim(const std::string& name, InstanceWork work);

  // Adds an entry that is already claimed for kCreate, or not at all. Errors: kExists.
  Result<void> add(const EntryPtr& entry);
  void erase(const EntryPtr& entry);
  Result<void> rename(const EntryPtr& entry, const std::string& to);

  Instance view(const InstanceEntry& entry) const;  // takes mutex()
  InstanceRecord record(const InstanceEntry& entry) const;
  StatusCode status(const InstanceEntry& entry) const;
  std::shared_ptr<RunningContainer> running(const InstanceEntry& entry) const;

  // Changes an entry under the lock and wakes those who wait for it.
  template <typename Change>
  void change(InstanceEntry& entry, const Change& change) {
    {
      std::unique_lock lock(mutex_);
      change(entry);
    }
    entry.changed.notify_all();
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, EntryPtr> entries_;
};

}  // namespace cella::manager
