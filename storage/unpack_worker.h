// The inside of the unpack worker and what it says to its parent over a pipe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/id_map.h"
#include "storage/unpack.h"

namespace cella::storage {

enum class WorkerMessageType : std::uint32_t { kProgress, kMetadata, kDone, kFailed };

// One message: this head, then text_size bytes (metadata.yaml, or the error's text).
struct WorkerMessage {
  WorkerMessageType type = WorkerMessageType::kProgress;
  std::uint32_t error_kind = 0;
  std::int32_t error_number = 0;
  std::uint32_t text_size = 0;
  std::uint64_t consumed = 0;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t skipped_devices = 0;
  std::uint64_t skipped_attributes = 0;
};
inline constexpr std::uint32_t kMaxWorkerText = 1u << 20;

struct WorkerJob {
  const Fd& archive;
  ArchiveLayout layout;
  const Fd* destination;  // a detached mount mapped for user_namespace; null: inspect only
  const Fd& user_namespace;
  const Fd& report;  // pipe
  UnpackLimits limits;
  std::string part = {};  // of a backup
  std::optional<IdMap> owners = {};  // owners below rootfs/ are host ids of this map
};

// Confines this process for good: user namespace, empty network, root directory = the destination (or an empty
// directory), few capabilities, no new privileges. Errors name the call.
Result<void> enter_confinement(const WorkerJob& job);

// Runs the job and reports; returns the exit status. Call in a fresh child only.
int run_unpack_worker(const WorkerJob& job) noexcept;

}  // namespace cella::storage
