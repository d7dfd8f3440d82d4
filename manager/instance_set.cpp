#include "manager/instance_set.h"

namespace cella::manager {
namespace {

// How long a claim waits for work that takes milliseconds: whoever saw its effect may be quicker than its end.
constexpr std::chrono::seconds kClaimPatience{1};

bool is_short(InstanceWork work) {
  switch (work) {
    case InstanceWork::kCreate:
    case InstanceWork::kStop:
    case InstanceWork::kRestart:
    case InstanceWork::kRestore:
    case InstanceWork::kCopy:
    case InstanceWork::kBackup: return false;
    case InstanceWork::kNone:
    case InstanceWork::kStart:
    case InstanceWork::kFreeze:
    case InstanceWork::kUnfreeze:
    case InstanceWork::kUpdate:
    case InstanceWork::kRename:
    case InstanceWork::kDelete:
    case InstanceWork::kSnapshot: return true;
  }
  return false;
}

}  // namespace

std::string_view work_text(InstanceWork work) {
  switch (work) {
    case InstanceWork::kNone: return "";
    case InstanceWork::kCreate: return "create";
    case InstanceWork::kStart: return "start";
    case InstanceWork::kStop: return "stop";
    case InstanceWork::kRestart: return "restart";
    case InstanceWork::kFreeze: return "freeze";
    case InstanceWork::kUnfreeze: return "unfreeze";
    case InstanceWork::kUpdate: return "update";
    case InstanceWork::kRename: return "rename";
    case InstanceWork::kDelete: return "delete";
    case InstanceWork::kSnapshot: return "snapshot";
    case InstanceWork::kRestore: return "restore";
    case InstanceWork::kCopy: return "copy";
    case InstanceWork::kBackup: return "backup";
  }
  return "";
}

InstanceSet::Claim::~Claim() {
  if (entry_ == nullptr) return;
  set_->change(*entry_, [](InstanceEntry& entry) { entry.work = InstanceWork::kNone; });
}

Result<EntryPtr> InstanceSet::find(const std::string& name) const {
  std::shared_lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return Error(ErrorKind::kNotFound, "instance " + short_name(name) + " not found");
  return found->second;
}

std::vector<EntryPtr> InstanceSet::list() const {
  std::shared_lock lock(mutex_);
  std::vector<EntryPtr> entries;
  entries.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) entries.push_back(entry);
  return entries;
}

Result<InstanceSet::Claim> InstanceSet::claim(const std::string& name, InstanceWork work) {
  std::unique_lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return Error(ErrorKind::kNotFound, "instance " + short_name(name) + " not found");
  const EntryPtr entry = found->second;
  const auto is_free = [&] { return entry->work == InstanceWork::kNone || entry->gone; };
  if (!is_free() && is_short(entry->work)) entry->changed.wait_for(lock, kClaimPatience, is_free);
  if (entry->gone) return Error(ErrorKind::kNotFound, "instance " + short_name(name) + " not found");
  if (entry->work != InstanceWork::kNone) {
    return Error(ErrorKind::kBusy,
                 "instance " + short_name(name) + " is busy running a \"" + std::string(work_text(entry->work)) + "\" operation");
  }
  entry->work = work;
  return Claim(*this, entry);
}

Result<void> InstanceSet::add(const EntryPtr& entry) {
  std::unique_lock lock(mutex_);
  const auto [place, added] = entries_.emplace(entry->record.name, entry);
  if (!added) return Error(ErrorKind::kExists, "instance " + short_name(entry->record.name) + " already exists");
  return kOk;
}

void InstanceSet::erase(const EntryPtr& entry) {
  {
    std::unique_lock lock(mutex_);
    entry->gone = true;
    const auto found = entries_.find(entry->record.name);
    if (found != entries_.end() && found->second == entry) entries_.erase(found);
  }
  entry->changed.notify_all();
}

Result<void> InstanceSet::rename(const EntryPtr& entry, const std::string& to) {
  std::unique_lock lock(mutex_);
  if (entries_.contains(to)) return Error(ErrorKind::kExists, "instance " + short_name(to) + " already exists");
  entries_.erase(entry->record.name);
  entry->record.name = to;
  entries_.emplace(to, entry);
  return kOk;
}

Instance InstanceSet::view(const InstanceEntry& entry) const {
  std::shared_lock lock(mutex_);
  Instance instance;
  auto [project, name] = split_name(entry.record.name);
  instance.name = std::move(name);
  instance.project = std::move(project);
  instance.description = entry.record.description;
  instance.architecture = entry.record.architecture;
  instance.config = entry.record.config;
  instance.devices = entry.record.devices;
  instance.profiles = entry.record.profiles;
  instance.ephemeral = entry.record.ephemeral;
  instance.created_at = entry.record.created_at;
  instance.last_used_at = entry.record.last_used_at;
  instance.status = entry.status;
  instance.expanded_config = entry.expanded_config;
  // Volatile keys come and go without a new merge, and no profile has any.
  constexpr std::string_view kVolatile = "volatile.";
  std::erase_if(instance.expanded_config, [&](const auto& key) { return key.first.starts_with(kVolatile); });
  for (auto key = instance.config.lower_bound(std::string(kVolatile)); key != instance.config.end(); ++key) {
    if (!key->first.starts_with(kVolatile)) break;
    instance.expanded_config.insert(*key);
  }
  instance.expanded_devices = entry.expanded_devices;
  return instance;
}

InstanceRecord InstanceSet::record(const InstanceEntry& entry) const {
  std::shared_lock lock(mutex_);
  return entry.record;
}

StatusCode InstanceSet::status(const InstanceEntry& entry) const {
  std::shared_lock lock(mutex_);
  return entry.status;
}

std::shared_ptr<RunningContainer> InstanceSet::running(const InstanceEntry& entry) const {
  std::shared_lock lock(mutex_);
  return entry.running;
}

}  // namespace cella::manager
