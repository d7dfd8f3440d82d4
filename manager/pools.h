// Storage pools and the volumes in them. Volume names are the instances' names ("NAME", outside the default project
// "PROJECT_NAME"): the caller's choice.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/id_map.h"
#include "base/result.h"
#include "base/units.h"
#include "manager/image.h"
#include "manager/pool.h"
#include "storage/volume.h"

namespace cella::storage {
class Driver;
}

namespace cella::manager {

class Database;
class Events;
struct Schema;

// An open pool: what to work with while the pool is up.
struct PoolAccess {
  storage::PoolSpec spec;
  std::shared_ptr<storage::Driver> driver;
};

// The tables of pools, for Database::open().
const Schema& pool_schema();

// All pools of this host. Thread-safe: pools may be made, used and deleted from several threads; a volume is used by
// one thread at a time (the caller's lock per instance). Outlived by the database and events.
class Pools {
 public:
  struct Wiring {
    Database& database;
    Events& events;
    std::string state_dir;
  };
  // Reads the records and mounts every pool; one that cannot be mounted is listed with its status and the reason
  // logged.
  static Result<std::unique_ptr<Pools>> open(Wiring wiring);
  virtual ~Pools() = default;

  // Who uses a pool besides its own volumes (instances, profiles): URLs. A pool in use cannot be deleted.
  using UsedBy = std::function<std::vector<std::string>(const std::string& pool)>;
  virtual void set_used_by(UsedBy used_by) = 0;
  // Whether an image is still recorded; set by Images. Image volumes without a record go when no root stands on them.
  using ImageKnown = std::function<bool(const std::string& fingerprint)>;
  virtual void set_image_known(ImageKnown known) = 0;

  // Errors: kInvalid naming key and value (unknown driver, key, size, source), kExists, kNoSpace, kUnsupported.
  virtual Result<void> create(const PoolCreate& request) = 0;
  // Takes a pool into the records that is on disk already, as request.config says where. Errors: kExists; kInvalid and
  // kNotFound when there is none.
  virtual Result<void> adopt(const PoolCreate& request) = 0;
  virtual std::vector<Pool> list() const = 0;
  virtual Result<Pool> find(const std::string& name) const = 0;  // Errors: kNotFound: Storage pool not found
  // PUT replaces the configuration, PATCH sets the keys given. source, size and driver stay as they are.
  virtual Result<void> update(const std::string& name, const Config& config, const std::string& description) = 0;
  virtual Result<void> patch(const std::string& name, const Config& config,
                             const std::optional<std::string>& description) = 0;
  // Errors: kInvalid "The storage pool is currently in use".
  virtual Result<void> remove(const std::string& name) = 0;
  virtual Result<PoolResources> resources(const std::string& name) const = 0;
  virtual Result<std::vector<PoolVolume>> volumes(const std::string& name) const = 0;

  // Makes the image's volume in the pool if it is not there; concurrent callers wait for the one that does it.
  virtual Result<void> ensure_image_volume(const std::string& pool, const std::string& fingerprint,
                                           const storage::Watch& watch) = 0;

  // Removes the image's volumes where no root stands on them; the rest go with their last root.
  virtual void release_image(const std::string& fingerprint) = 0;

  // Makes the root volume of an instance. fingerprint: empty for an empty root; else the image volume is ensured first.
  virtual Result<void> create_root(const std::string& pool, const std::string& volume, const std::string& fingerprint,
                                   const storage::Watch& watch) = 0;
  // The root as a detached, id-mapped mount for the launch plan.
  virtual Result<Fd> open_root(const std::string& pool, const std::string& volume, const IdMap& map) = 0;
  // The volume's own directory, with metadata.yaml and templates/. The root file system is not reached through it.
  virtual Result<DirFd> open_directory(const std::string& pool, const std::string& volume) = 0;
  // metadata.yaml of the volume; nullopt when it has none (an empty root).
  virtual Result<std::optional<ImageMetadata>> metadata(const std::string& pool, const std::string& volume) = 0;
  virtual Result<void> rename_root(const std::string& pool, const std::string& from, const std::string& to) = 0;
  // The name is free when it returns; the files go in the background. A missing volume is success.
  virtual Result<void> remove_root(const std::string& pool, const std::string& volume) = 0;
  virtual Result<void> copy_root(const std::string& pool, const std::string& from, const std::string& to,
                                 const storage::Watch& watch) = 0;
  // The driver itself, for work on volumes of any kind (volume_copies.h). Errors: kNotFound; kBusy when it is not up.
  virtual Result<PoolAccess> access(const std::string& pool) const = 0;
  // Like remove_root(), for a root or a snapshot.
  virtual Result<void> remove_volume(const std::string& pool, const storage::VolumeId& volume) = 0;
  // The root disk's `size`. nullopt: none. Errors: kUnsupported with what is missing.
  virtual Result<void> set_root_quota(const std::string& pool, const std::string& volume,
                                      std::optional<Bytes> size) = 0;
  // Errors: kUnsupported where the driver cannot tell.
  virtual Result<PoolVolumeUsage> root_usage(const std::string& pool, const std::string& volume) = 0;
};

}  // namespace cella::manager
