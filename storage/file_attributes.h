// Copying what a file carries besides its contents.
#pragma once

#include <sys/stat.h>
#include <functional>

#include "base/fd.h"

namespace cella::storage {

// Copies all extended attributes (with POSIX ACLs and file capabilities) from one open file to another; both may be
// O_PATH descriptors. Source: xattr(7).
Result<void> copy_attributes(const Fd& from, const Fd& to);

// Owner, mode, times in the order that keeps setuid bits. `to` may be an O_PATH descriptor.
Result<void> set_owner_mode_times(const Fd& to, const struct stat& status);

// Contents: clones blocks where possible, else copies data and keeps holes. cancelled: asked now and then; may be empty.
Result<void> copy_contents(const Fd& from, const Fd& to, std::uint64_t size,
                           const std::function<bool()>& cancelled = {});

}  // namespace cella::storage
