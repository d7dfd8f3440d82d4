#include "storage/id_mapped.h"

#include <sched.h>
#include <sys/wait.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <list>
#include <mutex>

#include "base/files.h"
#include "base/syscalls.h"

namespace cella::storage {
namespace {

// SAFETY: runs on a stack of its own in this address space while the parent is suspended (vfork semantics); it makes no
// call but the exit that follows.
int exit_at_once(void*) { return 0; }

// The child is dead at once, and its user namespace lives in its credentials until it is reaped: no synchronisation.
Result<pid_t> make_namespace_corpse() {
  alignas(16) std::array<char, 16384> stack;
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const int pid = ::clone(exit_at_once, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | CLONE_NEWUSER, nullptr);
  const int saved = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return errno_error(saved, "clone CLONE_NEWUSER");
  return pid;
}

Result<Fd> namespace_of_corpse(pid_t pid, const IdMap& map) {
  const std::string proc = "/proc/" + std::to_string(pid) + "/";
  TRY(write_kernel_file(proc + "uid_map", map.users_text()));
  TRY(write_kernel_file(proc + "gid_map", map.groups_text()));
  return open_path(proc + "ns/user", O_RDONLY);
}

Result<Fd> make_user_namespace(const IdMap& map) {
  const pid_t pid = TRY(make_namespace_corpse());
  Result<Fd> fd = namespace_of_corpse(pid, map);
  while (::waitpid(pid, nullptr, __WALL) < 0 && errno == EINTR) {
  }
  return fd;
}

// The most recently used maps first.
class NamespaceCache {
 public:
  Result<Fd> find_or_make(const IdMap& map) {
    const std::lock_guard lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->map == map) {
        entries_.splice(entries_.begin(), entries_, entry);
        return entries_.front().fd.duplicate();
      }
    }
    Fd made = TRY(make_user_namespace(map));
    Fd result = TRY(made.duplicate());
    entries_.push_front(Entry{map, std::move(made)});
    if (entries_.size() > kKept) entries_.pop_back();
    return result;
  }

 private:
  static constexpr std::size_t kKept = 256;
  struct Entry {
    IdMap map;
    Fd fd;
  };
  std::mutex mutex_;
  std::list<Entry> entries_;
};

Result<Fd> clone_tree(const Fd& dir, const std::string& name) {
  // O_NOFOLLOW on purpose: what lies in a volume may be the container's own link.
  const Fd tree = TRY(open_at(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW));
  Fd mount(sys_open_tree(tree.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
  if (!mount) return errno_error(errno, "open_tree " + name);
  return mount;
}

NamespaceCache& cache() {
  static NamespaceCache instance;
  return instance;
}

}  // namespace

Result<Fd> user_namespace_for(const IdMap& map) { return cache().find_or_make(map); }

Result<void> apply_id_map(const Fd& mount, const IdMap& map, MountAccess access, const std::string& object) {
  const Fd user_namespace = TRY(user_namespace_for(map));
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NODEV;
  if (access == MountAccess::kReadOnly) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  attributes.userns_fd = static_cast<std::uint64_t>(user_namespace.get());
  if (sys_mount_setattr(mount.get(), "", AT_EMPTY_PATH, &attributes) == 0) return kOk;
  const int saved = errno;
  // EINVAL is the kernel's word for a file system without FS_ALLOW_IDMAP.
  if (saved == EINVAL)
    return Error(ErrorKind::kUnsupported, saved,
                 "mount_setattr IDMAP " + object + ": the file system has no id-mapped mounts");
  return errno_error(saved, "mount_setattr IDMAP " + object);
}

Result<Fd> open_mapped_tree(const Fd& dir, const std::string& name, const IdMap& map, MountAccess access) {
  Fd mount = TRY(clone_tree(dir, name));
  TRY(apply_id_map(mount, map, access, name));
  return mount;
}

Result<Fd> open_plain_tree(const Fd& dir, const std::string& name, MountAccess access) {
  Fd mount = TRY(clone_tree(dir, name));
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NODEV;
  if (access == MountAccess::kReadOnly) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  if (sys_mount_setattr(mount.get(), "", AT_EMPTY_PATH, &attributes) != 0)
    return errno_error(errno, "mount_setattr " + name);
  return mount;
}

}  // namespace cella::storage
