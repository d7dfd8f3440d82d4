#include "manager/custom_volume_table.h"

#include <algorithm>

namespace cella::manager {

VolumeTable::Claim::~Claim() {
  if (table_ == nullptr) return;
  {
    const std::lock_guard lock(table_->mutex_);
    for (const VolumeKey& key : keys_) table_->claimed_.erase(key);
  }
  table_->released_.notify_all();
}

VolumeTable::Claim VolumeTable::claim(std::vector<VolumeKey> keys) {
  std::unique_lock lock(mutex_);
  released_.wait(lock, [&] { return free(keys); });
  claimed_.insert(keys.begin(), keys.end());
  return Claim(*this, std::move(keys));
}

Result<VolumeTable::Claim> VolumeTable::claim(std::vector<VolumeKey> keys, std::chrono::seconds patience) {
  std::unique_lock lock(mutex_);
  if (!released_.wait_for(lock, patience, [&] { return free(keys); }))
    return Error(ErrorKind::kBusy, key_text(keys.front()) + ": another operation works on it");
  claimed_.insert(keys.begin(), keys.end());
  return Claim(*this, std::move(keys));
}

bool VolumeTable::free(const std::vector<VolumeKey>& keys) const {
  return std::none_of(keys.begin(), keys.end(), [&](const VolumeKey& key) { return claimed_.contains(key); });
}

std::shared_ptr<void> VolumeTable::expect(const VolumeRecord& record) {
  const std::lock_guard lock(mutex_);
  expected_[record.key] = record;
  return {this, [key = record.key](VolumeTable* table) {
            const std::lock_guard guard(table->mutex_);
            table->expected_.erase(key);
          }};
}

std::vector<VolumeRecord> VolumeTable::with_expected(const std::string& project) const {
  auto found = volumes("", project);
  const std::lock_guard lock(mutex_);
  for (const auto& [key, record] : expected_) {
    const bool there = std::any_of(found.begin(), found.end(), [&](const auto& volume) { return volume.key == key; });
    if (key.project == project && !there) found.push_back(record);
  }
  return found;
}

std::vector<VolumeRecord> VolumeTable::volumes(const std::string& pool, const std::string& project) const {
  std::vector<VolumeRecord> found;
  const std::lock_guard lock(mutex_);
  for (const auto& [place, record] : records_) {
    if (!record.snapshot.empty()) continue;
    if (!pool.empty() && record.key.pool != pool) continue;
    if (!project.empty() && record.key.project != project) continue;
    found.push_back(record);
  }
  return found;
}

Result<VolumeRecord> VolumeTable::find(const VolumeKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find({key, ""});
  if (found != records_.end()) return found->second;
  return Error(ErrorKind::kNotFound,
               "Storage volume not found: custom/" + key.name + " in storage pool \"" + key.pool + "\"");
}

std::vector<VolumeRecord> VolumeTable::snapshots(const VolumeKey& key) const {
  std::vector<VolumeRecord> found;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = records_.lower_bound({key, ""}); at != records_.end() && at->first.first == key; ++at) {
      if (!at->second.snapshot.empty()) found.push_back(at->second);
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return found;
}

Result<VolumeRecord> VolumeTable::find_snapshot(const VolumeKey& key, const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find({key, name});
  if (found != records_.end() && !name.empty()) return found->second;
  return Error(ErrorKind::kNotFound, "Storage volume snapshot not found: custom/" + key.name + "/" + name +
                                         " in storage pool \"" + key.pool + "\"");
}

void VolumeTable::put(const VolumeRecord& record) {
  const std::lock_guard lock(mutex_);
  records_[{record.key, record.snapshot}] = record;
}

void VolumeTable::erase(const VolumeKey& key, const std::string& snapshot) {
  const std::lock_guard lock(mutex_);
  records_.erase({key, snapshot});
}

void VolumeTable::rename(const VolumeKey& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  const auto first = records_.lower_bound({from, ""});
  auto last = first;
  std::vector<VolumeRecord> moved;
  for (; last != records_.end() && last->first.first == from; ++last) moved.push_back(last->second);
  records_.erase(first, last);
  for (VolumeRecord& record : moved) {
    record.key.name = to;
    records_[{record.key, record.snapshot}] = record;
  }
}

}  // namespace cella::manager
