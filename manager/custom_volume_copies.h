// Custom volumes copied and moved, within a pool and from one to another.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manager/custom_volume_snapshots.h"
#include "manager/custom_volumes.h"

namespace cella::manager {

// Thread-safe. Outlived by volumes and snapshots.
class CustomVolumeCopies {
 public:
  using Caller = CustomVolumes::Caller;
  CustomVolumeCopies(CustomVolumes& volumes, CustomVolumeSnapshots& snapshots)
      : volumes_(volumes), snapshots_(snapshots), around_(volumes.wiring()) {}

  // Makes request.key from another volume: with its snapshots unless volume_only; with its configuration where the
  // request has none. Errors: kNotFound, kExists, kInvalid; then those of the operation, which can be cancelled.
  Result<OperationId> copy(const CustomVolumeCreate& request, const CustomVolumeCopy& copy, const Caller& caller);
  // The volume with all its snapshots under another key; devices follow.
  // Errors: as copy(); kInvalid while an instance that runs uses it.
  Result<OperationId> move(const VolumeKey& from, const VolumeKey& to, const Caller& caller);

 private:
  Result<CustomVolumeCreate> completed(const CustomVolumeCreate& request, const CustomVolumeCopy& copy) const;
  Result<void> copy_now(const CustomVolumeCreate& request, const CustomVolumeCopy& copy, const storage::Watch& watch,
                        const Caller& caller);
  Result<void> copy_snapshots(const VolumeKey& from, const VolumeKey& to, const storage::Watch& watch);
  Result<void> refresh_now(const VolumeRecord& target, const CustomVolumeCopy& copy, const storage::Watch& watch,
                           const Caller& caller);

  CustomVolumes& volumes_;
  CustomVolumeSnapshots& snapshots_;
  const CustomVolumes::Wiring& around_;
};

}  // namespace cella::manager
