// Snapshots of custom volumes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/custom_volumes.h"
#include "manager/operations.h"

namespace cella::manager {

// Thread-safe. Outlived by the volumes.
class CustomVolumeSnapshots {
 public:
  using Caller = CustomVolumes::Caller;
  explicit CustomVolumeSnapshots(CustomVolumes& volumes) : volumes_(volumes), around_(volumes.wiring()) {}

  // In order of creation. Errors: kNotFound for the volume.
  Result<std::vector<CustomSnapshot>> list(const VolumeKey& key) const;
  Result<CustomSnapshot> find(const VolumeKey& key, const std::string& name) const;
  // Errors: kInvalid for a name or a configured pattern or expiry; kExists; then those of the operation.
  Result<OperationId> create(const VolumeKey& key, const VolumeSnapshotCreate& request, const Caller& caller);
  Result<OperationId> rename(const VolumeKey& key, const std::string& name, const std::string& to,
                             const Caller& caller);
  Result<void> update(const VolumeKey& key, const std::string& name, const std::string& description,
                      const std::optional<Timestamp>& expires_at, const Caller& caller);
  Result<OperationId> remove(const VolumeKey& key, const std::string& name, const Caller& caller);
  // Makes the volume what the snapshot is: its files, and its configuration but for the size.
  // Errors: kInvalid while an instance that runs uses the volume.
  Result<void> restore(const VolumeKey& key, const std::string& name, const Caller& caller);

  // Removes what has expired.
  void sweep(Timestamp now);
  // When the next one expires.
  std::optional<Timestamp> next_expiry() const;

  // Takes a snapshot of a volume whose claim the caller holds away.
  Result<void> erase(const VolumeRecord& snapshot, const Caller& caller);
  // Undoes make() for all snapshots under a key whose volume could not be made after them.
  void discard(const VolumeKey& key);
  // A snapshot record of a volume whose claim the caller holds, and what `fill` makes in storage; or nothing of either.
  Result<void> make(VolumeRecord record, const std::function<Result<void>()>& fill);

 private:
  Result<VolumeRecord> new_record(const VolumeKey& key, const VolumeSnapshotCreate& request) const;
  Result<void> rename_now(const VolumeKey& key, const std::string& name, const std::string& to, const Caller& caller);
  Result<void> remove_now(const VolumeKey& key, const std::string& name, const Caller& caller);

  CustomVolumes& volumes_;
  const CustomVolumes::Wiring& around_;
};

// The start of an operation on a custom volume.
OperationRequest volume_request(std::string description, const VolumeKey& key);

}  // namespace cella::manager
