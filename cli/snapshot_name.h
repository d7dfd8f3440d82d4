// "instance" or "instance/snapshot".
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::cli {

struct SnapshotName {
  std::string instance;
  std::string snapshot;  // empty: the instance itself
};

// Errors: kInvalid naming the word; kUnsupported for another remote.
Result<SnapshotName> snapshot_name(std::string_view word);
// URL of the snapshot, or of the instance.
std::string snapshot_url(const SnapshotName& name);

}  // namespace cella::cli
