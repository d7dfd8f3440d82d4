#include "manager/guest_sockets.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace cella::manager {
namespace {

// What may wait to be accepted: a guest fills its own queue only.
constexpr int kBacklog = 16;

Result<Fd> listen_in(const Fd& dev, HostId root) {
  const auto fail = [](const char* call, const char* name) { return errno_error(errno, std::string(call) + " " + name); };
  constexpr const char *kDirectory = "lxd", *kSocket = "lxd/sock";
  if (::mkdirat(dev.get(), kDirectory, 0755) != 0 && errno != EEXIST) return fail("mkdir", kDirectory);
  if (::fchownat(dev.get(), kDirectory, root.value, root.value, AT_SYMLINK_NOFOLLOW) != 0) return fail("chown", kDirectory);
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return fail("socket for", kSocket);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(dev.get()) + "/" + kSocket;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  // SAFETY: sockaddr_un is what the kernel expects behind sockaddr for AF_UNIX.
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return fail("bind", kSocket);
  if (::fchmodat(dev.get(), kSocket, 0666, 0) != 0) return fail("chmod", kSocket);
  if (::fchownat(dev.get(), kSocket, root.value, root.value, AT_SYMLINK_NOFOLLOW) != 0) return fail("chown", kSocket);
  if (::listen(listener.get(), kBacklog) != 0) return fail("listen on", kSocket);
  return listener;
}

}  // namespace

Result<void> GuestSockets::open(const std::shared_ptr<InstanceEntry>& entry, GuestId id, const Fd& dev, HostId root) {
  admit(entry, id, TRY_CONTEXT("guest API", listen_in(dev, root)));
  return kOk;
}

void GuestSockets::close(GuestId id) {
  const std::lock_guard lock(mutex_);
  if (guests_.erase(id) != 0 && door_.closed) door_.closed(id);
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
