// The custom volumes in memory, and who works on which.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "manager/custom_volume_records.h"

namespace cella::manager {

// Whole volumes and snapshots only: what is being made is not in it yet, what is being deleted no longer. Thread-safe.
class VolumeTable {
 public:
  // Exclusive work on some volumes; ends when destroyed.
  class Claim {
   public:
    Claim(VolumeTable& table, std::vector<VolumeKey> keys) : table_(&table), keys_(std::move(keys)) {}
    Claim(Claim&& other) noexcept : table_(std::exchange(other.table_, nullptr)), keys_(std::move(other.keys_)) {}
    Claim& operator=(Claim&&) = delete;
    ~Claim();

   private:
    VolumeTable* table_;
    std::vector<VolumeKey> keys_;
  };
  // Waits until nobody else works on any of them. A claim is not taken while holding another.
  Claim claim(std::vector<VolumeKey> keys);

  // The same for at most `patience`. Errors: kBusy naming the first volume.
  Result<Claim> claim(std::vector<VolumeKey> keys, std::chrono::seconds patience);

  // The volume is being made: it counts for its project until what is returned is gone.
  std::shared_ptr<void> expect(const VolumeRecord& record);
  // The volumes of a project, and those of it that are being made.
  std::vector<VolumeRecord> with_expected(const std::string& project) const;

  // Of one pool and project; empty: of all.
  std::vector<VolumeRecord> volumes(const std::string& pool, const std::string& project) const;
  // Errors: kNotFound.
  Result<VolumeRecord> find(const VolumeKey& key) const;
  // In order of creation.
  std::vector<VolumeRecord> snapshots(const VolumeKey& key) const;
  Result<VolumeRecord> find_snapshot(const VolumeKey& key, const std::string& name) const;

  void put(const VolumeRecord& record);
  void erase(const VolumeKey& key, const std::string& snapshot);
  // The volume with its snapshots.
  void rename(const VolumeKey& from, const std::string& to);

 private:
  bool free(const std::vector<VolumeKey>& keys) const;

  mutable std::mutex mutex_;
  std::condition_variable released_;
  std::set<VolumeKey> claimed_;
  std::map<VolumeKey, VolumeRecord> expected_;
  std::map<std::pair<VolumeKey, std::string>, VolumeRecord> records_;
};

}  // namespace cella::manager
