// Deleting big and hostile trees: names too deep for a recursion, files that cannot be removed the plain way.
#pragma once

#include <functional>
#include <string>

#include "base/fd.h"

namespace cella::storage {

// Called for a directory that rmdir(2) does not remove although it may be special (a btrfs subvolume); true when it is
// gone now.
using SpecialRemoval = std::function<bool(const Fd& parent, const std::string& name)>;

// Removes `name` in `dir` with everything below, without following links or crossing mounts. Depth is bounded: deeper
// parts are moved up into `dir` first, so trees of any depth go with few descriptors. Immutable and append-only flags
// are cleared on the way. stop: asked now and then; true ends early with kCancelled.
Result<void> remove_deep_tree(const Fd& dir, const std::string& name, const SpecialRemoval& special,
                              const std::function<bool()>& stop);

}  // namespace cella::storage
