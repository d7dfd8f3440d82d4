// Id-mapped, detached mounts: how the same files on disk look owned by different containers.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/id_map.h"

namespace cella::storage {

enum class MountAccess : std::uint8_t { kReadWrite, kReadOnly };

// A user namespace with this map and no process in it, for MOUNT_ATTR_IDMAP. Namespaces are kept for maps used lately,
// since making one costs more than the mount. Thread-safe.
// Source: mount_setattr(2), user_namespaces(7).
Result<Fd> user_namespace_for(const IdMap& map);

// The tree below directory `name` of `dir` ("." for itself) as a detached mount with the map applied, nodev.
// The directory must be reachable in this thread's mount namespace, not in a detached mount (kernels before 6.15).
// Errors: kUnsupported when the file system cannot be id-mapped.
Result<Fd> open_mapped_tree(const Fd& dir, const std::string& name, const IdMap& map, MountAccess access);

// The same with the ids as they are on disk.
Result<Fd> open_plain_tree(const Fd& dir, const std::string& name, MountAccess access);

// Applies the map to a detached mount that has none yet. Errors: kUnsupported as above.
Result<void> apply_id_map(const Fd& mount, const IdMap& map, MountAccess access, const std::string& object);

}  // namespace cella::storage
