// The pools in memory: records with their open drivers. The implementation behind Pools.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "manager/pool_records.h"
#include "manager/pools.h"
#include "storage/driver.h"

namespace cella::manager {

// One pool. The driver lives as long as someone works with it.
struct OpenPool {
  PoolRecord record;
  storage::PoolSpec spec;
  std::shared_ptr<storage::Driver> driver;
  bool available = false;
};

class PoolSet final : public Pools {
 public:
  explicit PoolSet(Wiring wiring) : wiring_(std::move(wiring)) {}
  Result<void> load();

  void set_used_by(UsedBy used_by) override;
  void set_image_known(ImageKnown known) override;
  Result<void> create(const PoolCreate& request) override;
  Result<void> adopt(const PoolCreate& request) override;
  std::vector<Pool> list() const override;
  Result<Pool> find(const std::string& name) const override;
  Result<void> update(const std::string& name, const Config& config, const std::string& description) override;
  Result<void> patch(const std::string& name, const Config& config,
                     const std::optional<std::string>& description) override;
  Result<void> remove(const std::string& name) override;
  Result<PoolResources> resources(const std::string& name) const override;
  Result<std::vector<PoolVolume>> volumes(const std::string& name) const override;

  Result<void> ensure_image_volume(const std::string& pool, const std::string& fingerprint,
                                   const storage::Watch& watch) override;
  void release_image(const std::string& fingerprint) override;
  Result<void> create_root(const std::string& pool, const std::string& volume, const std::string& fingerprint,
                           const storage::Watch& watch) override;
  Result<Fd> open_root(const std::string& pool, const std::string& volume, const IdMap& map) override;
  Result<DirFd> open_directory(const std::string& pool, const std::string& volume) override;
  Result<std::optional<ImageMetadata>> metadata(const std::string& pool, const std::string& volume) override;
  Result<void> rename_root(const std::string& pool, const std::string& from, const std::string& to) override;
  Result<void> remove_root(const std::string& pool, const std::string& volume) override;
  Result<void> copy_root(const std::string& pool, const std::string& from, const std::string& to,
                         const storage::Watch& watch) override;
  Result<PoolAccess> access(const std::string& pool) const override;
  Result<void> remove_volume(const std::string& pool, const storage::VolumeId& volume) override;
  Result<void> set_root_quota(const std::string& pool, const std::string& volume, std::optional<Bytes> size) override;
  Result<PoolVolumeUsage> root_usage(const std::string& pool, const std::string& volume) override;

 private:
  // A copy that can be worked with after the lock is gone. Errors: kNotFound; kBusy when the pool is not up.
  Result<OpenPool> open_pool(const std::string& name) const;
  Result<OpenPool> usable_pool(const std::string& name) const;
  Result<void> check_new(const PoolRecord& record) const;
  // The pool that is asked for, nothing done yet. Errors: kInvalid, kExists.
  Result<OpenPool> prepare(const PoolCreate& request, Config config) const;
  // Stores a pool that is there on disk, and lets it be used.
  Result<void> take_in(OpenPool pool);
  // Grows a pool whose size the configuration changes. Errors: kInvalid for a smaller one.
  Result<void> resize(OpenPool& pool, const Config& config);
  std::vector<std::string> users_of(const std::string& name) const;
  Pool shown(const OpenPool& pool) const;
  void release_unknown_images(const OpenPool& pool);
  Result<storage::ImageFiles> files_of(const std::string& fingerprint) const;

  Wiring wiring_;
  // Makes, changes and deletes pools one at a time; held without mutex_ while the disk works.
  std::mutex changing_;
  mutable std::mutex mutex_;
  std::map<std::string, OpenPool> pools_;
  UsedBy used_by_;
  ImageKnown image_known_;

  std::mutex images_mutex_;
  std::condition_variable images_changed_;
  std::set<std::pair<std::string, std::string>> images_in_work_;  // pool, fingerprint
};

}  // namespace cella::manager
