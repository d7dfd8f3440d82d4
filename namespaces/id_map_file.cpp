#include "namespaces/id_map_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <cerrno>

#include "base/files.h"

namespace cella::namespaces {

Result<void> write_id_maps(const Fd& procfs, pid_t pid, const std::string& users, const std::string& groups) {
  const std::string directory = std::to_string(pid) + "/";
  TRY(write_kernel_file_at(procfs, directory + "uid_map", users));
  TRY(write_kernel_file_at(procfs, directory + "gid_map", groups));
  return kOk;
}

Result<Fd> open_namespace(const Fd& procfs, pid_t pid, const std::string& name) {
  return open_at(procfs, std::to_string(pid) + "/ns/" + name, O_RDONLY);
}

Result<Fd> open_host_procfs() {
  Fd procfs = TRY(open_path("/proc", O_PATH | O_DIRECTORY));
  struct statfs status {};
  if (::fstatfs(procfs.get(), &status) != 0) return errno_error(errno, "statfs /proc");
  if (status.f_type != PROC_SUPER_MAGIC) return Error(ErrorKind::kUnsupported, "/proc is not a procfs");
  return procfs;
}

}  // namespace cella::namespaces
