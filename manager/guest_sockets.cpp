#include "manager/guest_sockets.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/files.h"
#include "base/syscalls.h"

namespace cella::manager {
namespace {

constexpr const char* kSocket = "sock";
// What may wait to be accepted: a guest fills its own queue only.
constexpr int kBacklog = 16;

// By way of the descriptor: the path of the state directory may be too long for an address.
sockaddr_un address_in(const Fd& directory) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(directory.get()) + "/" + kSocket;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

Result<Fd> listen_in(const Fd& directory, const std::string& path, HostId root) {
  const auto fail = [&](const char* call) { return errno_error(errno, std::string(call) + " " + path + "/" + kSocket); };
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return fail("socket for");
  if (::unlinkat(directory.get(), kSocket, 0) != 0 && errno != ENOENT) return fail("unlink");
  const sockaddr_un address = address_in(directory);
  // SAFETY: sockaddr_un is what the kernel expects behind sockaddr for AF_UNIX.
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return fail("bind");
  if (::listen(listener.get(), kBacklog) != 0) return fail("listen on");
  if (::fchmodat(directory.get(), kSocket, 0666, 0) != 0) return fail("chmod");
  if (::fchownat(directory.get(), kSocket, root.value, root.value, AT_SYMLINK_NOFOLLOW) != 0) return fail("chown");
  return listener;
}

Result<Fd> mount_of(const std::string& path) {
  Fd mount(sys_open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!mount) return errno_error(errno, "open_tree " + path);
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
  if (sys_mount_setattr(mount.get(), "", AT_EMPTY_PATH, &attributes) != 0) {
    return errno_error(errno, "mount_setattr " + path);
  }
  return mount;
}

}  // namespace

Result<Fd> GuestSockets::open(const std::shared_ptr<InstanceEntry>& entry, GuestId id, HostId root) {
  const std::string path = path_of(id);
  // Root of the host keeps the directory: a container that makes the mount writable can still add nothing to it.
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
    if (errno != ENOENT) return errno_error(errno, "mkdir " + path);
    TRY(make_dirs(directory_, 0700));
    if (::mkdir(path.c_str(), 0755) != 0) return errno_error(errno, "mkdir " + path);
  }
  const Fd directory = TRY(open_path(path, O_PATH | O_DIRECTORY));
  admit(entry, id, TRY(listen_in(directory, path, root)));
  auto mount = mount_of(path);
  if (!mount.ok()) close(id);
  return mount;
}

Result<void> GuestSockets::reopen(const std::shared_ptr<InstanceEntry>& entry, GuestId id, HostId root) {
  const std::string path = path_of(id);
  const auto directory = open_path(path, O_PATH | O_DIRECTORY);
  if (!directory.ok()) return directory.error().kind() == ErrorKind::kNotFound ? kOk : Result<void>(directory.error());
  if (!exists_at(*directory, kSocket)) return kOk;
  admit(entry, id, TRY(listen_in(*directory, path, root)));
  return kOk;
}

void GuestSockets::close(GuestId id) {
  const std::lock_guard lock(mutex_);
  if (guests_.erase(id) != 0 && door_.closed) door_.closed(id);
  // The file tells the next daemon that the running container has been given the socket.
  (void)::unlink((path_of(id) + "/" + kSocket).c_str());
}

Result<void> GuestSockets::remove(GuestId id) {
  close(id);
  const std::string path = path_of(id);
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return kOk;
  return errno_error(errno, "rmdir " + path);
}

void GuestSockets::admit(const std::shared_ptr<InstanceEntry>& entry, GuestId id, Fd listener) {
  const std::lock_guard lock(mutex_);
  Guest& guest = guests_[id];
  guest.entry = entry;
  if (door_.opened) {
    door_.opened(id, std::move(listener));
  } else {
    guest.waiting = std::move(listener);
  }
}

void GuestSockets::serve_by(GuestDoor door) {
  const std::lock_guard lock(mutex_);
  door_ = std::move(door);
  if (!door_.opened) return;
  for (auto& [id, guest] : guests_) {
    if (guest.waiting.valid()) door_.opened(id, std::move(guest.waiting));
  }
}

void GuestSockets::tell(GuestId id, const GuestEvent& event) {
  const std::lock_guard lock(mutex_);
  if (door_.happened && guests_.contains(id)) door_.happened(id, event);
}

std::shared_ptr<InstanceEntry> GuestSockets::find(GuestId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = guests_.find(id);
  return found == guests_.end() ? nullptr : found->second.entry.lock();
}

}  // namespace cella::manager
