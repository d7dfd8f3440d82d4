// Images made from instances and snapshots.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "manager/image.h"
#include "manager/instance.h"
#include "manager/instance_files.h"
#include "manager/instance_set.h"
#include "manager/instance_surroundings.h"
#include "manager/operations.h"
#include "storage/volume.h"

namespace cella::manager {

struct PublishRequest {
  CopyFrom source;
  // Files are left out; properties replace the source's unless empty.
  ImageUpload image;
  std::string compression;  // empty: what the project says, else gzip
};

// Thread-safe. What it is given outlives every operation it starts.
class InstancePublish {
 public:
  InstancePublish(const InstanceSurroundings& around, InstanceFiles& files) : around_(around), files_(files) {}

  // The operation's metadata has the image's "fingerprint" at its end.
  // Errors: kInvalid for a running instance, a bad compression; kNotFound; kBusy.
  Result<OperationId> publish(const PublishRequest& request);

 private:
  struct Source;
  std::string compression_of(const PublishRequest& request) const;
  Result<void> carry_out(const EntryPtr& entry, const PublishRequest& request, const OperationHandle& operation);
  Result<void> pack(const InstanceRecord& record, const PublishRequest& request, const std::string& path,
                    const OperationHandle& operation);

  const InstanceSurroundings& around_;
  InstanceFiles& files_;
};

// "Image pack: 12.3MB", as operation metadata under KEY_progress.
storage::Watch watch_pack(const OperationHandle& operation, const std::string& key, const std::string& word);

}  // namespace cella::manager
