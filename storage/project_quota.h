// Quotas of ext4 and xfs on directory trees: a tree's files carry a project id, which new files in it inherit, and the
// file system counts and limits what carries the id.
#pragma once

#include <optional>

#include "base/fd.h"
#include "storage/volume.h"

namespace cella::storage {

// Whether the file system that holds `file` counts projects and enforces their limits (mount option prjquota).
// Source: quotactl(2) Q_XGETQSTAT, quotactl_fd (Linux 5.14).
bool has_project_quotas(const Fd& file);

// Gives an empty directory a project of its own, which everything made below it inherits. Needs has_project_quotas().
// Source: ioctl FS_IOC_FSSETXATTR, FS_XFLAG_PROJINHERIT.
Result<void> begin_project(const Fd& directory);

// The project of a directory from begin_project(); nullopt when it has none.
Result<std::optional<std::uint32_t>> project_of(const Fd& directory);

// Used and limit of a directory's project. Errors: kUnsupported when it has none, or the file system counts none.
Result<VolumeUsage> project_usage(const Fd& directory);
// nullopt: no limit; then a directory without a project is fine. Errors: kUnsupported as above.
Result<void> set_project_limit(const Fd& directory, std::optional<Bytes> limit);

}  // namespace cella::storage
