// backup/index.yaml of a custom volume's backup, in LXD's form.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "manager/custom_volume_records.h"

namespace cella::manager {

struct VolumeIndex {
  std::string backend;  // storage driver it was made on
  VolumeRecord volume;
  std::vector<VolumeRecord> snapshots;  // those with files in the archive, in order
};

std::string format_volume_index(const VolumeIndex& index);

// Reads what LXD 5.0 or format_volume_index() wrote. Unknown members are passed over.
// Errors: kInvalid naming the member; kUnsupported for backups of instances and optimized ones.
Result<VolumeIndex> parse_volume_index(std::string_view text);

}  // namespace cella::manager
