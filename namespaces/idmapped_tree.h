// Detached copies of a mounted tree, with the ids on disk shown through a user namespace.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/fd.h"

namespace cella::namespaces {

enum class TreeDepth : std::uint8_t { kMount, kRecursive };

// Which kernel interface makes the mount; the fallback is what kernels before 6.15 take.
enum class TreeMethod : std::uint8_t { kFused, kSeparate };

struct TreeCopy {
  const Fd* user_namespace = nullptr;  // null: not id-mapped
  std::uint64_t attributes = 0;        // MOUNT_ATTR_* set on the copy
  TreeDepth depth = TreeDepth::kMount;
  TreeMethod method = TreeMethod::kFused;
};

// A detached mount of what `tree` (a directory or file, O_PATH will do) shows. kFused tries open_tree_attr(2) and takes
// open_tree(2) + mount_setattr(2) where the kernel lacks it.
// Errors: kUnsupported when the file system cannot be id-mapped; others as the kernel says, naming `object`.
Result<Fd> copy_tree(const Fd& tree, const TreeCopy& copy, std::string_view object);

}  // namespace cella::namespaces
