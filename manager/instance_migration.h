// Instances on their way from one server to another: sent, received, and brought up to date.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "manager/instance.h"
#include "manager/instance_copies.h"
#include "manager/instance_creation.h"
#include "manager/instance_refresh.h"
#include "manager/instance_set.h"
#include "manager/instance_snapshots.h"
#include "manager/instance_surroundings.h"
#include "manager/migration_link.h"
#include "manager/migration_messages.h"
#include "manager/operations.h"

namespace cella::manager {

// How the two servers come together: called once, on the operation's thread, and may block.
struct MigrationMeeting {
  std::function<Result<std::unique_ptr<MigrationLink>>(const OperationHandle&)> open;
  // Of the operation: a server that waits for the other one gives the secrets to its sockets here.
  OperationClass operation_class = OperationClass::kTask;
  Value::Object metadata;
};

struct MigrationSend {
  std::string instance;        // qualified
  std::string snapshot;        // of it, sent as an instance; empty: the instance as it is
  bool instance_only = false;  // without its snapshots
};

struct MigrationReceive {
  InstanceCreate create;       // without an image; its name is given
  std::string base_image;      // fingerprint; empty: unknown
  bool instance_only = false;  // without its snapshots
  bool refresh = false;        // an instance of that name that is there is brought up to date; its configuration stays
};

// Thread-safe. What it is given outlives every operation it starts.
//
// The source sends a header with its snapshots and stream formats; the target answers with the format and the snapshots
// it wants; each wanted snapshot and then the root is a stretch of the stream; the target ends with the outcome. A
// failure on either side is told to the other, leaves the source as it was, and nothing at the target.
class InstanceMigration {
 public:
  using Caller = std::optional<Requestor>;
  InstanceMigration(const InstanceSurroundings& around, InstanceCreation& creation, InstanceSnapshots& snapshots,
                    InstanceCopies& copies, InstanceFiles& files, InstanceRefresh& refresh)
      : around_(around), creation_(creation), snapshots_(snapshots), copies_(copies), files_(files), refresh_(refresh) {}

  // A running instance is held still while its files are copied, and sent from the copy. The operation's failure is the
  // target's where that one failed. Errors: kNotFound, kBusy.
  Result<OperationId> send(const MigrationSend& request, MigrationMeeting meeting, const Caller& caller);

  // Errors: those of a creation; kInvalid when the instance to be refreshed runs.
  Result<OperationId> receive(const MigrationReceive& request, MigrationMeeting meeting, const Caller& caller);

 private:
  Result<void> send_all(const EntryPtr& entry, const MigrationSend& request, MigrationLink& link,
                        const OperationHandle& operation);
  Result<void> send_volumes(const EntryPtr& entry, const MigrationSend& request,
                            const std::vector<SnapshotRecord>& wanted, MigrationLink& link,
                            const OperationHandle& operation);
  Result<void> send_root(const EntryPtr& entry, MigrationLink& link, const OperationHandle& operation);
  Result<void> receive_new(const EntryPtr& entry, const MigrationReceive& request, MigrationLink& link,
                           const OperationHandle& operation);
  Result<OperationId> receive_refresh(const MigrationReceive& request, MigrationMeeting meeting, const Caller& caller);
  Result<void> receive_changes(const EntryPtr& entry, const MigrationReceive& request, MigrationLink& link,
                               const OperationHandle& operation);
  Result<void> receive_snapshots(const EntryPtr& entry, const std::vector<SnapshotRecord>& wanted, MigrationLink& link,
                                 const OperationHandle& operation);

  const InstanceSurroundings& around_;
  InstanceCreation& creation_;
  InstanceSnapshots& snapshots_;
  InstanceCopies& copies_;
  InstanceFiles& files_;
  InstanceRefresh& refresh_;
};

}  // namespace cella::manager
