// backup/index.yaml of a custom volume's backup.
#include "manager/custom_volume_index.h"
#include "manager/snapshot_names.h"
#include "tests/fuzz/target.h"

namespace cella::manager {

FUZZ_TARGET(volume_index) {
  const Result<VolumeIndex> index = parse_volume_index(text);
  if (!index.ok()) return;
  for (const VolumeRecord& snapshot : index->snapshots) {
    fuzz::require(check_snapshot_name(snapshot.snapshot).ok(), "a snapshot's name is one");
  }
  const Result<VolumeIndex> again = parse_volume_index(format_volume_index(*index));
  fuzz::require(again.ok() && again->volume.config == index->volume.config, "what is written is read again");
}

}  // namespace cella::manager
