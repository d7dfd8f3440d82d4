#include "runtime/proxy_dial.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/seqpacket.h"
#include "base/syscalls.h"

namespace cella::runtime {
namespace {

constexpr unsigned kChildSeconds = 10;
constexpr int kReport = 3;  // where a child keeps its two descriptors
constexpr int kInside = 4;
constexpr int kBacklog = 128;

struct UnixAddress {
  sockaddr_un address{};
  socklen_t length = 0;
};

Result<UnixAddress> unix_address(const std::string& path) {
  UnixAddress made;
  made.address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof made.address.sun_path) return errno_error(ENAMETOOLONG, "socket " + path);
  std::memcpy(made.address.sun_path, path.data(), path.size());
  const bool abstract = path.front() == '@';
  if (abstract) made.address.sun_path[0] = '\0';
  made.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
  return made;
}

[[noreturn]] void report(int errno_value, const Fd& socket) {
  char bytes[sizeof errno_value];
  std::memcpy(bytes, &errno_value, sizeof errno_value);
  const Fd end(kReport);
  const int descriptor = socket.get();
  const auto descriptors = errno_value == 0 ? std::span(&descriptor, 1) : std::span<const int>();
  (void)send_datagram(end, std::string_view(bytes, sizeof bytes), descriptors).ok();
  ::_exit(0);
}

// Into the container, as one of its own users; or with another user's rights on the host.
void become(bool inside, std::uint32_t user, std::uint32_t group) {
  if (inside && ::setns(kInside, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) != 0) report(errno, Fd());
  (void)::syscall(SYS_setgroups, 0, nullptr);
  if (::syscall(SYS_setresgid, group, group, group) != 0) report(errno, Fd());
  if (::syscall(SYS_setresuid, user, user, user) != 0) report(errno, Fd());
}

[[noreturn]] void connect_and_report(const ProxyTarget& target) {
  become(target.inside, target.user, target.group);
  const auto address = unix_address(target.path);
  if (!address.ok()) report(ENAMETOOLONG, Fd());
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // SAFETY: sockaddr_un is what the kernel expects behind sockaddr for AF_UNIX.
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address->address), address->length) != 0) {
    report(errno, Fd());
  }
  if (::fcntl(socket.get(), F_SETFL, O_NONBLOCK) != 0) report(errno, Fd());
  report(0, socket);
}

[[noreturn]] void listen_and_report(const InnerListener& wanted) {
  become(true, 0, 0);
  ::umask(0177);
  const auto address = unix_address(wanted.path);
  if (!address.ok()) report(ENAMETOOLONG, Fd());
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) report(errno, Fd());
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address->address);  // SAFETY: as above
  const bool named = wanted.path.front() != '@';
  struct stat found {};
  // What an earlier run has left; anything but a socket is the container's.
  if (named && ::lstat(wanted.path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) ::unlink(wanted.path.c_str());
  if (::bind(socket.get(), generic, address->length) != 0) report(errno, Fd());
  if (named) {
    // The container's own rights are all that this has, whatever its name leads to by now.
    if (::lchown(wanted.path.c_str(), wanted.user, wanted.group) != 0) report(errno, Fd());
    if (::chmod(wanted.path.c_str(), wanted.mode) != 0) report(errno, Fd());
  }
  if (::listen(socket.get(), kBacklog) != 0) report(errno, Fd());
  report(0, socket);
}

// A copy of this process that holds two descriptors only. The parent ignores SIGCHLD: nobody waits for it.
template <typename Work>
Result<void> in_child(const Fd& report_end, const PidFd& inside, const Work& work) {
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error(errno, "fork");
  if (pid > 0) return kOk;
  ::alarm(kChildSeconds);
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  // Above both places first, so that neither copy overwrites the other's source.
  const int high_report = ::fcntl(report_end.get(), F_DUPFD_CLOEXEC, kInside + 1);
  const int high_inside = inside.valid() ? ::fcntl(inside.get(), F_DUPFD_CLOEXEC, kInside + 1) : -1;
  if (high_report < 0 || ::dup2(high_report, kReport) < 0) ::_exit(1);
  if (high_inside >= 0 && ::dup2(high_inside, kInside) < 0) ::_exit(1);
  sys_close_range(high_inside >= 0 ? kInside + 1 : kInside, ~0u, 0);
  work();
  ::_exit(1);
}

}  // namespace

Result<Fd> dial_ip(const ProxyTarget& target, std::uint16_t port, const PidFd& inside, const Fd& home) {
  const bool v4 = target.host.size() == sizeof(in_addr);
  const int type = (target.kind == ProxyKind::kTcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  if (target.inside && ::setns(inside.get(), CLONE_NEWNET) != 0) {
    return Error(errno == ESRCH ? ErrorKind::kNotFound : ErrorKind::kIo, errno, "join the container's network namespace");
  }
  Fd socket(::socket(v4 ? AF_INET : AF_INET6, type, 0));
  const int socket_errno = errno;
  // A worker that cannot come home would make every later socket in the wrong place.
  if (target.inside && ::setns(home.get(), CLONE_NEWNET) != 0) ::_exit(1);
  if (!socket) return errno_error(socket_errno, "socket");
  sockaddr_storage storage{};
  socklen_t length = 0;
  if (v4) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    std::memcpy(&address.sin_addr, target.host.data(), sizeof address.sin_addr);
    length = sizeof address;
    std::memcpy(&storage, &address, sizeof address);
  } else {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    std::memcpy(&address.sin6_addr, target.host.data(), sizeof address.sin6_addr);
    length = sizeof address;
    std::memcpy(&storage, &address, sizeof address);
  }
  // SAFETY: storage holds the address of the family it names.
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0 && errno != EINPROGRESS) {
    return errno_error(errno, "connect");
  }
  return socket;
}

Result<Fd> dial_unix(const ProxyTarget& target, const PidFd& inside) {
  SocketPair pair = TRY(make_seqpacket_pair());
  const PidFd nowhere;
  TRY(in_child(pair.second, target.inside ? inside : nowhere, [&] { connect_and_report(target); }));
  return std::move(pair.first);
}

Result<void> listen_inside(const InnerListener& wanted, const PidFd& inside, const Fd& report_end) {
  return in_child(report_end, inside, [&] { listen_and_report(wanted); });
}

}  // namespace cella::runtime
