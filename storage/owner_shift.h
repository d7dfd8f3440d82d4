// Owners that an archive holds as host ids, taken back to the container's own: LXD keeps the files of a container that
// has run under the ids of its map where it cannot map the mount.
#pragma once

#include <string>

#include "base/id_map.h"
#include "storage/archive_reader.h"

namespace cella::storage {

class OwnerShift {
 public:
  explicit OwnerShift(IdMap map) : map_(std::move(map)) {}

  // The owner and the ids in POSIX ACLs of a member. An id that the map does not lead to stays.
  void apply(ArchiveMember& member) const;

 private:
  IdMap map_;
};

}  // namespace cella::storage
