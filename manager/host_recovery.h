// Finding pools, instances and custom volumes again that the database does not know: from the manifests beside them.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manager/instance_creation.h"
#include "manager/instance_surroundings.h"
#include "manager/pool.h"

namespace cella::manager {

// A volume that is on disk and in no record.
struct LostVolume {
  std::string name;
  std::string type;  // "container", "custom"
  std::size_t snapshots = 0;
  std::string project;
  std::string pool;
};

struct LostVolumes {
  std::vector<LostVolume> volumes;
  // What stands in the way of bringing them back: things they need that are missing, manifests that cannot be read.
  std::vector<std::string> obstacles;
};

// Thread-safe as long as one recovery runs at a time (the caller's business). around outlives it.
class HostRecovery {
 public:
  HostRecovery(const InstanceSurroundings& around, InstanceCreation& creation, std::string state_dir)
      : around_(around), creation_(creation), state_dir_(std::move(state_dir)) {}

  // Pools below the state directory's usual places that no record knows, with what can be told of them.
  Result<std::vector<PoolCreate>> lost_pools() const;

  // Looks into the pools given, known ones or lost ones; changes nothing but what mounting a pool sweeps.
  // Errors: those of a pool that cannot be mounted.
  Result<LostVolumes> look(const std::vector<PoolCreate>& pools) const;

  // Takes the pools and all their lost volumes back. What cannot be is left as it is on disk, and named in the error,
  // after everything else was taken back.
  Result<void> take_back(const std::vector<PoolCreate>& pools);

 private:
  struct Found;
  struct OpenPool;
  Result<OpenPool> open(const PoolCreate& pool) const;
  Result<std::vector<Found>> find_lost(const OpenPool& pool) const;
  Result<Found> read_instance(const OpenPool& pool, const std::string& volume) const;
  Result<Found> read_volume(const OpenPool& pool, const std::string& volume) const;
  std::vector<std::string> missing_for(const Found& found) const;
  Result<void> take_back(const Found& found);
  Result<void> take_back_instance(const Found& found);
  Result<void> take_back_volume(const Found& found);
  Result<InstanceRecord> record_of(const Found& found) const;

  const InstanceSurroundings& around_;
  InstanceCreation& creation_;
  const std::string state_dir_;
};

}  // namespace cella::manager
