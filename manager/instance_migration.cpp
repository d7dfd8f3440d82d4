#include "manager/instance_migration.h"

#include <algorithm>

#include "base/rollback.h"
#include "manager/claimed_work.h"
#include "manager/instance_events.h"
#include "manager/migration_stream.h"
#include "manager/snapshot_names.h"
#include "manager/volume_copies.h"

namespace cella::manager {
namespace {

Result<std::unique_ptr<MigrationLink>> meet(const MigrationMeeting& meeting, const OperationHandle& operation) {
  const OperationHandle::Waiting waiting(operation);
  return meeting.open(operation);
}

// Carries work out on the link; a failure is told to the other side.
template <typename Work>
Result<void> on_link(const MigrationMeeting& meeting, const OperationHandle& operation, const Work& work) {
  const auto link = TRY(meet(meeting, operation));
  const MigrationCancel cancel(operation, *link);
  Result<void> outcome = work(*link);
  if (!outcome.ok() && operation.cancel_requested()) return Error(ErrorKind::kCancelled, "migration");
  if (!outcome.ok()) (void)link->send_message(encode_outcome({false, outcome.error().message()}));
  return outcome;
}

Error refused(std::string_view side, const std::string& reason) {
  return Error(ErrorKind::kIo, std::string(side) + ": " + reason);
}

// What the target says at its end, or why it ended early.
Result<void> read_outcome(MigrationLink& link) {
  const MigrationOutcome outcome = TRY(decode_outcome(TRY(link.receive_message())));
  if (outcome.success) return kOk;
  return refused("the target server failed", outcome.message.empty() ? "no reason given" : outcome.message);
}

Result<std::vector<SnapshotRecord>> read_answer(MigrationLink& link) {
  const std::string message = TRY(link.receive_message());
  MigrationHeader answer = TRY(decode_header(message));
  if (std::count(answer.streams.begin(), answer.streams.end(), kMigrationStream) == 1) {
    return std::move(answer.snapshots);
  }
  const auto outcome = decode_outcome(message);
  if (outcome.ok() && !outcome->message.empty()) return refused("the target server refused", outcome->message);
  return Error(ErrorKind::kUnsupported,
               "the target server is no cella: it takes instances by rsync only, which is not supported");
}

// What the source offers. Its names are somebody else's.
Result<MigrationHeader> read_offer(MigrationLink& link) {
  const std::string message = TRY(link.receive_message());
  MigrationHeader offer = TRY(decode_header(message));
  if (std::count(offer.streams.begin(), offer.streams.end(), kMigrationStream) == 0) {
    const auto outcome = decode_outcome(message);
    if (outcome.ok() && !outcome->message.empty()) return refused("the source server refused", outcome->message);
    return Error(ErrorKind::kUnsupported,
                 "the source server is no cella: it sends instances by rsync only, which is not supported");
  }
  for (SnapshotRecord& snapshot : offer.snapshots) {
    TRY(check_snapshot_name(snapshot.name));
    // The files come with the container's own ids.
    snapshot.config["volatile.last_state.idmap"] = "[]";
  }
  return offer;
}

Result<void> send_answer(MigrationLink& link, std::vector<SnapshotRecord> wanted, bool refresh) {
  MigrationHeader answer;
  answer.snapshots = std::move(wanted);
  answer.refresh = refresh;
  answer.streams = {kMigrationStream};
  return link.send_message(encode_header(answer));
}

}  // namespace

Result<OperationId> InstanceMigration::send(const MigrationSend& request, MigrationMeeting meeting,
                                            const Caller& caller) {
  auto claim = TRY(around_.set.claim(request.instance, InstanceWork::kCopy));
  if (!request.snapshot.empty()) TRY(find_snapshot(around_.set, *claim.entry(), request.snapshot));
  auto started = instance_request("Migrating instance", request.instance);
  started.operation_class = meeting.operation_class;
  started.metadata = meeting.metadata;
  started.may_cancel = true;
  return start_claimed(
      around_.operations, std::move(started), std::move(claim),
      [this, request, meeting, caller](const EntryPtr& entry, const OperationHandle& operation) -> Result<void> {
        TRY(on_link(meeting, operation,
                    [&](MigrationLink& link) { return send_all(entry, request, link, operation); }));
        tell_of_instance(around_.events, "instance-migrated", request.instance, caller);
        return kOk;
      });
}

Result<void> InstanceMigration::send_all(const EntryPtr& entry, const MigrationSend& request, MigrationLink& link,
                                         const OperationHandle& operation) {
  MigrationHeader offer;
  offer.streams = {kMigrationStream};
  if (!request.instance_only && request.snapshot.empty()) {
    for (auto& snapshot : snapshots_.list(*entry)) {
      if (snapshot.record.phase == SnapshotPhase::kReady) offer.snapshots.push_back(std::move(snapshot.record));
    }
  }
  TRY(link.send_message(encode_header(offer)));
  const auto wanted = TRY(read_answer(link));
  const Result<void> sent = send_volumes(entry, request, wanted, link, operation);
  if (sent.ok()) return read_outcome(link);
  if (sent.error().kind() == ErrorKind::kCancelled) return sent;
  // Where the target gave up, its reason says more than the broken stream. A failure here is told to it first, so that
  // it does not wait.
  (void)link.send_message(encode_outcome({false, sent.error().message()}));
  const Result<void> outcome = read_outcome(link);
  return outcome.ok() || sent.error().kind() != ErrorKind::kIo ? sent : outcome;
}

Result<void> InstanceMigration::send_volumes(const EntryPtr& entry, const MigrationSend& request,
                                             const std::vector<SnapshotRecord>& wanted, MigrationLink& link,
                                             const OperationHandle& operation) {
  const auto record = around_.set.record(*entry);
  for (const SnapshotRecord& snapshot : wanted) {
    TRY(find_snapshot(around_.set, *entry, snapshot.name));
    TRY(send_volume(around_.pools, snapshot_at(record.pool, record.name, snapshot.name), snapshot.name, link,
                    operation));
  }
  if (request.snapshot.empty()) return send_root(entry, link, operation);
  return send_volume(around_.pools, snapshot_at(record.pool, record.name, request.snapshot), request.snapshot, link,
                     operation);
}

Result<void> InstanceMigration::send_root(const EntryPtr& entry, MigrationLink& link,
                                          const OperationHandle& operation) {
  const auto record = around_.set.record(*entry);
  if (around_.set.running(*entry) == nullptr) {
    const std::lock_guard run(entry->run);
    files_.end(*entry);
    return send_volume(around_.pools, root_at(record.pool, record.name), short_name(record.name), link, operation);
  }
  const auto still = incoming_at(record.pool, record.name);
  TRY(around_.pools.remove_volume(still.pool, still.volume));
  Rollback remove;
  remove.add([&] { (void)around_.pools.remove_volume(still.pool, still.volume); });
  TRY(copies_.copy_root(entry, still, operation));
  return send_volume(around_.pools, still, short_name(record.name), link, operation);
}

Result<OperationId> InstanceMigration::receive(const MigrationReceive& request, MigrationMeeting meeting,
                                               const Caller& caller) {
  const std::string name = qualified_name(request.create.project, request.create.name);
  if (request.refresh && around_.set.find(name).ok()) return receive_refresh(request, std::move(meeting), caller);
  auto record = TRY(creation_.make_record(request.create));
  record.config["volatile.apply_template"] = "copy";
  InstanceCreation::NewRoot root;
  root.base_image = request.base_image;
  root.may_cancel = true;
  root.operation_class = meeting.operation_class;
  root.metadata = meeting.metadata;
  root.fill = [this, request, meeting](const EntryPtr& entry, const OperationHandle& operation) {
    return on_link(meeting, operation,
                   [&](MigrationLink& link) { return receive_new(entry, request, link, operation); });
  };
  return creation_.create_as(std::move(record), request.create.name, std::move(root), caller);
}

Result<void> InstanceMigration::receive_new(const EntryPtr& entry, const MigrationReceive& request,
                                            MigrationLink& link, const OperationHandle& operation) {
  MigrationHeader offer = TRY(read_offer(link));
  if (request.instance_only) offer.snapshots.clear();
  TRY(send_answer(link, offer.snapshots, false));
  TRY(receive_snapshots(entry, offer.snapshots, link, operation));
  const auto record = around_.set.record(*entry);
  TRY(receive_volume(around_.pools, root_at(record.pool, record.name), short_name(record.name), link, operation));
  return link.send_message(encode_outcome({true, ""}));
}

Result<void> InstanceMigration::receive_snapshots(const EntryPtr& entry, const std::vector<SnapshotRecord>& wanted,
                                                  MigrationLink& link, const OperationHandle& operation) {
  const auto record = around_.set.record(*entry);
  for (SnapshotRecord snapshot : wanted) {
    const auto incoming = incoming_at(record.pool, record.name);
    TRY(around_.pools.remove_volume(incoming.pool, incoming.volume));
    TRY(receive_volume(around_.pools, incoming, snapshot.name, link, operation));
    TRY(refresh_.put_snapshot(entry, std::move(snapshot), watch_copy(operation, "fs", "Unpack")));
  }
  return kOk;
}

Result<OperationId> InstanceMigration::receive_refresh(const MigrationReceive& request, MigrationMeeting meeting,
                                                       const Caller& caller) {
  const std::string name = qualified_name(request.create.project, request.create.name);
  auto claim = TRY(refresh_.claim(name));
  auto started = instance_request("Creating instance", name);
  started.operation_class = meeting.operation_class;
  started.metadata = meeting.metadata;
  started.may_cancel = true;
  return start_claimed(
      around_.operations, std::move(started), std::move(claim),
      [this, request, meeting, name, caller](const EntryPtr& entry, const OperationHandle& operation) -> Result<void> {
        TRY(on_link(meeting, operation,
                    [&](MigrationLink& link) { return receive_changes(entry, request, link, operation); }));
        tell_of_instance(around_.events, "instance-updated", name, caller);
        return kOk;
      });
}

Result<void> InstanceMigration::receive_changes(const EntryPtr& entry, const MigrationReceive& request,
                                                MigrationLink& link, const OperationHandle& operation) {
  const MigrationHeader offer = TRY(read_offer(link));
  SnapshotChanges changes;
  if (!request.instance_only) {
    std::vector<SnapshotRecord> present;
    for (auto& snapshot : snapshots_.list(*entry)) present.push_back(std::move(snapshot.record));
    changes = compare_snapshots(offer.snapshots, present);
  }
  TRY(send_answer(link, changes.missing, true));
  TRY(receive_snapshots(entry, changes.missing, link, operation));
  const auto record = around_.set.record(*entry);
  TRY(refresh_.replace_root(entry, [&](const VolumeAt& place) {
    return receive_volume(around_.pools, place, short_name(record.name), link, operation);
  }));
  TRY(refresh_.remove_stale(entry, changes));
  return link.send_message(encode_outcome({true, ""}));
}

}  // namespace cella::manager
