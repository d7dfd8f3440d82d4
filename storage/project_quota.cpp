#include "storage/project_quota.h"

#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <mutex>

namespace cella::storage {
namespace {

// Limits are in blocks of 1024 bytes whatever the file system's own.
constexpr std::uint64_t kBlock = 1024;

long quota_call(const Fd& file, int command, std::uint32_t project, void* argument) {
  return ::syscall(SYS_quotactl_fd, file.get(), QCMD(command, PRJQUOTA), project, argument);
}

// What the file system has on record for a project; nothing when it never heard of it.
Result<if_dqblk> read_record(const Fd& file, std::uint32_t project) {
  if_dqblk record{};
  if (quota_call(file, Q_GETQUOTA, project, &record) == 0) return record;
  const int saved = errno;
  if (saved == ENOENT) return if_dqblk{};
  return errno_error(saved, "quotactl Q_GETQUOTA project " + std::to_string(project));
}

// A project that no file carries and that has no limits. Random: other programs count from low numbers.
Result<std::uint32_t> unused_project(const Fd& file) {
  for (;;) {
    std::uint32_t project = 0;
    if (::getrandom(&project, sizeof project, 0) != sizeof project) return errno_error(errno, "getrandom");
    project = (project & 0x7fffffffu) | 0x40000000u;
    const if_dqblk record = TRY(read_record(file, project));
    if (record.dqb_curspace == 0 && record.dqb_curinodes == 0 && record.dqb_bhardlimit == 0) return project;
  }
}

Error no_project() {
  return Error(ErrorKind::kUnsupported,
               "no project quota: the volume was made while the file system was not mounted with prjquota");
}

}  // namespace

bool has_project_quotas(const Fd& file) {
  fs_quota_stat state{};
  state.qs_version = FS_QSTAT_VERSION;
  if (quota_call(file, Q_XGETQSTAT, 0, &state) != 0) return false;
  return (state.qs_flags & FS_QUOTA_PDQ_ENFD) != 0;
}

Result<void> begin_project(const Fd& directory) {
  // From choosing the id until the directory counts for it nobody else in this process may choose.
  static std::mutex choosing;
  const std::lock_guard lock(choosing);
  fsxattr attributes{};
  if (::ioctl(directory.get(), FS_IOC_FSGETXATTR, &attributes) != 0) return errno_error(errno, "FS_IOC_FSGETXATTR");
  attributes.fsx_projid = TRY(unused_project(directory));
  attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
  if (::ioctl(directory.get(), FS_IOC_FSSETXATTR, &attributes) != 0)
    return errno_error(errno, "FS_IOC_FSSETXATTR project " + std::to_string(attributes.fsx_projid));
  return kOk;
}

Result<std::optional<std::uint32_t>> project_of(const Fd& directory) {
  fsxattr attributes{};
  if (::ioctl(directory.get(), FS_IOC_FSGETXATTR, &attributes) != 0) {
    const int saved = errno;
    // File systems without such attributes have no projects either.
    if (saved == ENOTTY || saved == EOPNOTSUPP) return std::optional<std::uint32_t>();
    return errno_error(saved, "FS_IOC_FSGETXATTR");
  }
  const bool own = (attributes.fsx_xflags & FS_XFLAG_PROJINHERIT) != 0 && attributes.fsx_projid != 0;
  return own ? std::optional<std::uint32_t>(attributes.fsx_projid) : std::nullopt;
}

Result<VolumeUsage> project_usage(const Fd& directory) {
  const std::optional<std::uint32_t> project = TRY(project_of(directory));
  if (!project || !has_project_quotas(directory)) return no_project();
  const if_dqblk record = TRY(read_record(directory, *project));
  VolumeUsage usage{Bytes{record.dqb_curspace}, std::nullopt};
  if (record.dqb_bhardlimit != 0) usage.total = Bytes{record.dqb_bhardlimit * kBlock};
  return usage;
}

Result<void> set_project_limit(const Fd& directory, std::optional<Bytes> limit) {
  const std::optional<std::uint32_t> project = TRY(project_of(directory));
  const bool counted = project && has_project_quotas(directory);
  if (!counted) return limit ? Result<void>(no_project()) : Result<void>(kOk);
  if_dqblk record{};
  // A limit of zero would be none.
  record.dqb_bhardlimit = limit ? (limit->value + kBlock - 1) / kBlock : 0;
  record.dqb_bsoftlimit = record.dqb_bhardlimit;
  record.dqb_valid = QIF_BLIMITS;
  if (quota_call(directory, Q_SETQUOTA, *project, &record) != 0)
    return errno_error(errno, "quotactl Q_SETQUOTA project " + std::to_string(*project));
  return kOk;
}

}  // namespace cella::storage
