#include "manager/instance_creation.h"

#include "base/rollback.h"
#include "manager/claimed_work.h"
#include "manager/container_devices.h"
#include "manager/database.h"
#include "manager/events.h"
#include "manager/images.h"
#include "manager/instance_events.h"
#include "manager/instance_removal.h"
#include "manager/names.h"
#include "manager/networks.h"
#include "manager/pools.h"
#include "manager/projects.h"
#include "manager/volatile_keys.h"

namespace cella::manager {
namespace {

constexpr int kNameAttempts = 100;

// Tells the clients how far the unpacking has come, but not more often than each percent.
storage::Watch watch_unpack(const OperationHandle& operation) {
  auto last = std::make_shared<std::uint64_t>(0);
  storage::Watch watch;
  watch.progress = [operation, last](std::uint64_t done, std::uint64_t total) {
    const auto percent = total == 0 ? 0 : done * 100 / total;
    if (percent == *last) return;
    *last = percent;
    operation.set_metadata("create_instance_from_image_unpack_progress",
                           "Unpack: " + std::to_string(percent) + "%");
  };
  watch.cancelled = [operation] { return operation.cancel_requested(); };
  return watch;
}

}  // namespace

Images& InstanceCreation::images(const std::string& instance) const {
  return around_.images.in(around_.projects.project_of_images(project_of(instance)));
}

Result<InstanceRecord> InstanceCreation::make_record(const InstanceCreate& request) {
  InstanceRecord record;
  const std::string name = request.name.empty() ? random_instance_name() : request.name;
  TRY(check_instance_name(name));
  record.name = qualified_name(request.project, name);
  record.description = request.put.description;
  record.architecture = request.put.architecture.empty() ? host_architecture() : request.put.architecture;
  if (record.architecture != host_architecture()) {
    return invalid_value("architecture", record.architecture, "cannot run on this host (" + host_architecture() + ")");
  }
  if (request.put.stateful) return Error(ErrorKind::kUnsupported, "stateful: a container's memory cannot be saved");
  record.ephemeral = request.put.ephemeral;
  record.created_at = std::chrono::system_clock::now();
  record.config = without_empty(request.put.config);
  keep_volatile(record.config, {}, HwaddrChange::kAllowed);
  record.devices = request.put.devices;
  record.profiles = request.profiles_given ? request.put.profiles : std::vector<std::string>{"default"};
  if (!request.fingerprint.empty()) {
    const auto image = TRY(images(record.name).find(request.fingerprint));
    for (const auto& [key, value] : image.properties) record.config["image." + key] = value;
  }
  return record;
}

Result<InstanceCreation::Reserved> InstanceCreation::reserve(InstanceRecord record, bool name_given) {
  const std::string project = project_of(record.name);
  const CommitLock commit = around_.projects.commit(project);
  for (int attempt = 0;; ++attempt) {
    Reserved reserved{std::make_shared<InstanceEntry>(), nullptr};
    reserved.approved = std::make_shared<ApprovedInstance>(TRY(approve_instance(around_, commit, record)));
    reserved.entry->expanded_config = reserved.approved->merged().config;
    reserved.entry->expanded_devices = reserved.approved->merged().devices;
    reserved.entry->record = record;
    reserved.entry->work = InstanceWork::kCreate;
    auto added = around_.set.add(reserved.entry);
    if (added.ok()) return reserved;
    if (name_given || attempt == kNameAttempts) return std::move(added).error();
    record.name = qualified_name(project, random_instance_name() + std::to_string(attempt));
  }
}

Result<OperationId> InstanceCreation::create(const InstanceCreate& request, const FetchImage& fetch,
                                             const Caller& caller) {
  auto record = TRY(make_record(request));
  // Its image's templates for "create" are rendered when it is started the first time.
  if (!request.fingerprint.empty() || fetch) record.config["volatile.apply_template"] = "create";
  NewRoot root;
  if (!request.fingerprint.empty()) root.base_image = TRY(images(record.name).find(request.fingerprint)).fingerprint;
  root.fetch = fetch;
  root.may_cancel = fetch || !root.base_image.empty();
  root.fill = [this](const EntryPtr& entry, const OperationHandle& operation) -> Result<void> {
    const auto made = around_.set.record(*entry);
    const auto base = made.config.find("volatile.base_image");
    const std::string fingerprint = base == made.config.end() ? "" : base->second;
    TRY(around_.pools.create_root(made.pool, made.name, fingerprint, watch_unpack(operation)));
    if (!fingerprint.empty()) images(made.name).mark_used(fingerprint);
    return kOk;
  };
  return create_as(std::move(record), request.name, std::move(root), caller);
}

Result<OperationId> InstanceCreation::create_as(InstanceRecord record, const std::string& name, NewRoot root,
                                                const Caller& caller) {
  const auto expanded = TRY(expand_instance(around_, record));
  TRY(check_sources(around_.volumes, around_.projects.config(project_of(record.name)), expanded.spec, nullptr));
  record.pool = expanded.spec.root->pool;
  const auto size = expanded.spec.root->size;
  const auto reserved = TRY(reserve(std::move(record), !name.empty()));
  auto request = instance_request(root.description, reserved.approved->record().name);
  for (const auto& instance : root.involved) {
    if (project_of(instance) == request.project) request.resources["instances"].push_back(short_name(instance));
  }
  request.may_cancel = root.may_cancel;
  request.operation_class = root.operation_class;
  request.metadata = root.metadata;
  return start_claimed(around_.operations, std::move(request), InstanceSet::Claim(around_.set, reserved.entry),
                       [this, reserved, root = std::move(root), size, caller](const EntryPtr& made,
                                                                              const OperationHandle& operation) {
                         auto outcome = make(reserved, root, size, operation);
                         if (outcome.ok()) {
                           const auto name = around_.set.record(*made).name;
                           tell_of_instance(around_.events, "instance-created", name, caller);
                         }
                         return outcome;
                       });
}

Result<void> InstanceCreation::insert(const Reserved& reserved, const std::string& fingerprint) {
  const auto& entry = reserved.entry;
  InstanceRecord record = around_.set.record(*entry);
  TRY(reserved.approved->settle([&](InstanceRecord& settled) { settled = record; }));
  {
    auto transaction = TRY(around_.database.begin());
    // The range belongs to an id that exists only once the record is in: both in one transaction.
    record.id = TRY(insert_instance(around_.database, *reserved.approved));
    const auto security = TRY(build_security(entry->expanded_config));
    const auto range = TRY(allocate_id_range(around_.database, around_.id_windows, record.id, security.ids));
    record.id_base = range.base;
    record.id_size = range.size;
    const InstanceRecord bare = record;
    add_creation_keys(record.config, fingerprint);
    set_idmap_keys(record.config, TRY(instance_id_map(range.base, range.size, security.raw_ids)), range.base);
    settle_device_keys(record.config, entry->expanded_devices);
    TRY(update_instance(around_.database, bare, record));
    TRY(transaction.commit());
  }
  auto expanded = TRY(merge_instance(around_, record));
  around_.set.change(*entry, [&](InstanceEntry& changed) {
    changed.record = record;
    changed.expanded_config = std::move(expanded.config);
  });
  return kOk;
}

Result<std::string> InstanceCreation::fetch_image(const EntryPtr& entry, const NewRoot& root,
                                                  const OperationHandle& operation) {
  if (!root.fetch) return root.base_image;
  const auto image = TRY(images(around_.set.record(*entry).name).find(TRY(root.fetch(operation))));
  around_.set.change(*entry, [&](InstanceEntry& changed) {
    for (const auto& [key, value] : image.properties) changed.record.config["image." + key] = value;
  });
  return image.fingerprint;
}

Result<void> InstanceCreation::make(const Reserved& reserved, const NewRoot& root, std::optional<Bytes> size,
                                    const OperationHandle& operation) {
  const auto& entry = reserved.entry;
  Rollback undo;
  undo.add([&] { around_.set.erase(entry); });
  TRY(insert(reserved, TRY(fetch_image(entry, root, operation))));
  const auto record = around_.set.record(*entry);
  undo.add([&] { (void)delete_instance(around_.database, record.id); });
  undo.add([&] { (void)remove_volumes(around_, record, record.pool); });
  TRY(root.fill(entry, operation));
  if (size) TRY(around_.pools.set_root_quota(record.pool, record.name, size));
  TRY(set_phase(around_.database, record.id, InstancePhase::kReady, ""));
  undo.commit();
  around_.set.change(*entry, [](InstanceEntry& changed) { changed.record.phase = InstancePhase::kReady; });
  return kOk;
}

}  // namespace cella::manager
