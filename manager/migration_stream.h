// Volumes sent from one server to another as compressed tar archives, each a stretch of the stream.
#pragma once

#include "base/result.h"
#include "manager/migration_link.h"
#include "manager/operations.h"
#include "manager/pools.h"
#include "manager/volume_copies.h"

namespace cella::manager {

// The format's name in MigrationHeader::streams.
inline constexpr const char* kMigrationStream = "cella-tar-1";

// Tells the operation "fs_progress", as "NAME: 12.50MB (3.10MB/s)". Not for the root of a running container.
// Errors: as add_volume(); kIo when the other side is gone; kCancelled.
Result<void> send_volume(Pools& pools, const VolumeAt& volume, const std::string& name, MigrationLink& link,
                         const OperationHandle& operation);

// Makes the root, unpacked by a confined process: what comes is not trusted. Nothing is left of it when it fails.
Result<void> receive_volume(Pools& pools, const VolumeAt& root, const std::string& name, MigrationLink& link,
                            const OperationHandle& operation);

// While it lives, cancelling the operation ends the link.
class MigrationCancel {
 public:
  MigrationCancel(const OperationHandle& operation, MigrationLink& link)
      : callback_(operation.stop_token(), [&link] { link.abort(); }) {}

 private:
  std::stop_callback<std::function<void()>> callback_;
};

}  // namespace cella::manager
