#include "storage/btrfs_subvolume.h"

#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <cerrno>
#include <cstring>

namespace cella::storage {
namespace {

template <std::size_t kSize>
Result<void> set_name(char (&field)[kSize], const std::string& name) {
  if (name.size() >= kSize || name.empty() || name.find('/') != std::string::npos)
    return invalid_value("subvolume", name, "not a name");
  name.copy(field, kSize - 1);
  return kOk;
}

// Finds one item of the quota tree: keys are (0, type, quota group).
Result<std::optional<std::string>> quota_item(const Fd& file_system, std::uint32_t type, std::uint64_t group) {
  btrfs_ioctl_search_args arguments{};
  arguments.key.tree_id = BTRFS_QUOTA_TREE_OBJECTID;
  arguments.key.min_type = arguments.key.max_type = type;
  arguments.key.min_offset = arguments.key.max_offset = group;
  arguments.key.max_transid = ~0ull;
  arguments.key.nr_items = 1;
  if (::ioctl(file_system.get(), BTRFS_IOC_TREE_SEARCH, &arguments) != 0) {
    const int saved = errno;
    if (saved == ENOENT) return Error(ErrorKind::kUnsupported, "btrfs quotas are off");
    return errno_error(saved, "BTRFS_IOC_TREE_SEARCH quota tree");
  }
  if (arguments.key.nr_items == 0) return std::optional<std::string>();
  // SAFETY: the kernel put a header and then its `len` bytes at the start of the buffer.
  btrfs_ioctl_search_header header{};
  std::memcpy(&header, arguments.buf, sizeof header);
  if (header.len > sizeof arguments.buf - sizeof header) return Error(ErrorKind::kIo, "btrfs quota item too long");
  return std::optional(std::string(arguments.buf + sizeof header, header.len));
}

// Both items are little-endian u64 rows; this code runs on little-endian machines only, as the rest of cella.
std::uint64_t word(const std::string& item, std::size_t index) {
  std::uint64_t value = 0;
  if (item.size() >= (index + 1) * sizeof value) std::memcpy(&value, item.data() + index * sizeof value, sizeof value);
  return value;
}

}  // namespace

Result<bool> is_on_btrfs(const Fd& file) {
  struct statfs status {};
  if (::fstatfs(file.get(), &status) != 0) return errno_error(errno, "statfs");
  return static_cast<std::uint32_t>(status.f_type) == BTRFS_SUPER_MAGIC;
}

bool is_subvolume(const Fd& directory) {
  struct stat status {};
  const Result<bool> btrfs = is_on_btrfs(directory);
  return btrfs.ok() && *btrfs && ::fstat(directory.get(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_ino == BTRFS_FIRST_FREE_OBJECTID;
}

Result<void> create_subvolume(const Fd& parent, const std::string& name) {
  btrfs_ioctl_vol_args_v2 arguments{};
  TRY(set_name(arguments.name, name));
  if (::ioctl(parent.get(), BTRFS_IOC_SUBVOL_CREATE_V2, &arguments) != 0)
    return errno_error(errno, "BTRFS_IOC_SUBVOL_CREATE_V2 " + name);
  return kOk;
}

Result<void> snapshot_subvolume(const Fd& source, const Fd& parent, const std::string& name) {
  btrfs_ioctl_vol_args_v2 arguments{};
  TRY(set_name(arguments.name, name));
  arguments.fd = source.get();
  if (::ioctl(parent.get(), BTRFS_IOC_SNAP_CREATE_V2, &arguments) != 0)
    return errno_error(errno, "BTRFS_IOC_SNAP_CREATE_V2 " + name);
  return kOk;
}

Result<void> destroy_subvolume(const Fd& parent, const std::string& name) {
  btrfs_ioctl_vol_args arguments{};
  TRY(set_name(arguments.name, name));
  if (::ioctl(parent.get(), BTRFS_IOC_SNAP_DESTROY, &arguments) != 0)
    return errno_error(errno, "BTRFS_IOC_SNAP_DESTROY " + name);
  return kOk;
}

Result<void> set_subvolume_access(const Fd& subvolume, SubvolumeAccess access) {
  std::uint64_t flags = 0;
  if (::ioctl(subvolume.get(), BTRFS_IOC_SUBVOL_GETFLAGS, &flags) != 0)
    return errno_error(errno, "BTRFS_IOC_SUBVOL_GETFLAGS");
  const std::uint64_t wanted =
      access == SubvolumeAccess::kReadOnly ? flags | BTRFS_SUBVOL_RDONLY : flags & ~std::uint64_t{BTRFS_SUBVOL_RDONLY};
  if (wanted != flags && ::ioctl(subvolume.get(), BTRFS_IOC_SUBVOL_SETFLAGS, &wanted) != 0)
    return errno_error(errno, "BTRFS_IOC_SUBVOL_SETFLAGS");
  return kOk;
}

Result<std::uint64_t> subvolume_id(const Fd& directory) {
  btrfs_ioctl_ino_lookup_args arguments{};
  arguments.objectid = BTRFS_FIRST_FREE_OBJECTID;
  if (::ioctl(directory.get(), BTRFS_IOC_INO_LOOKUP, &arguments) != 0)
    return errno_error(errno, "BTRFS_IOC_INO_LOOKUP");
  return std::uint64_t{arguments.treeid};
}

Result<void> enable_quotas(const Fd& file_system) {
  btrfs_ioctl_quota_ctl_args arguments{};
  arguments.cmd = BTRFS_QUOTA_CTL_ENABLE;
  if (::ioctl(file_system.get(), BTRFS_IOC_QUOTA_CTL, &arguments) != 0 && errno != EEXIST)
    return errno_error(errno, "BTRFS_IOC_QUOTA_CTL");
  if (::ioctl(file_system.get(), BTRFS_IOC_QUOTA_RESCAN_WAIT) != 0)
    return errno_error(errno, "BTRFS_IOC_QUOTA_RESCAN_WAIT");
  return kOk;
}

Result<void> set_subvolume_limit(const Fd& subvolume, std::optional<Bytes> limit) {
  btrfs_ioctl_qgroup_limit_args arguments{};
  arguments.qgroupid = TRY(subvolume_id(subvolume));
  arguments.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
  // All bits set clears a limit.
  arguments.lim.max_rfer = limit ? limit->value : ~0ull;
  if (::ioctl(subvolume.get(), BTRFS_IOC_QGROUP_LIMIT, &arguments) == 0) return kOk;
  const int saved = errno;
  // Without quotas there is no limit to take away.
  if (!limit && (saved == ENOTCONN || saved == ENOENT || saved == EINVAL)) return kOk;
  return errno_error(saved, "BTRFS_IOC_QGROUP_LIMIT");
}

Result<SubvolumeUsage> subvolume_usage(const Fd& subvolume) {
  const std::uint64_t group = TRY(subvolume_id(subvolume));
  const std::optional<std::string> counts = TRY(quota_item(subvolume, BTRFS_QGROUP_INFO_KEY, group));
  if (!counts) return Error(ErrorKind::kUnsupported, "btrfs keeps no count of this subvolume");
  // struct btrfs_qgroup_info_item: generation, rfer, rfer_cmpr, excl, excl_cmpr.
  SubvolumeUsage usage{Bytes{word(*counts, 1)}, Bytes{word(*counts, 3)}, std::nullopt};
  const std::optional<std::string> limits = TRY(quota_item(subvolume, BTRFS_QGROUP_LIMIT_KEY, group));
  // struct btrfs_qgroup_limit_item: flags, max_rfer, max_excl, …
  if (limits && (word(*limits, 0) & BTRFS_QGROUP_LIMIT_MAX_RFER) != 0 && word(*limits, 1) != 0)
    usage.limit = Bytes{word(*limits, 1)};
  return usage;
}

}  // namespace cella::storage
