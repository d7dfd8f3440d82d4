#include "base/seqpacket.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace cella {
namespace {

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return invalid_value("socket path", path, "longer than 107 bytes");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<Fd> new_socket() {
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return errno_error(errno, "create seqpacket socket");
  return socket;
}

std::vector<Fd> take_descriptors(msghdr& message) {
  std::vector<Fd> descriptors;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      // SAFETY: the kernel wrote count ints after the header; memcpy because they may be unaligned.
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
  return descriptors;
}

}  // namespace

Result<SocketPair> make_seqpacket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return errno_error(errno, "create seqpacket pair");
  return SocketPair{Fd(ends[0]), Fd(ends[1])};
}

Result<Fd> listen_seqpacket(const std::string& path) {
  const sockaddr_un address = TRY(address_of(path));
  Fd socket = TRY(new_socket());
  ::unlink(path.c_str());
  const mode_t old_mask = ::umask(0177);
  const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int saved = errno;
  ::umask(old_mask);
  if (bound != 0) return errno_error(saved, "bind " + path);
  if (::listen(socket.get(), 16) != 0) return errno_error(errno, "listen on " + path);
  return socket;
}

Result<Fd> connect_seqpacket(const std::string& path) {
  const sockaddr_un address = TRY(address_of(path));
  Fd socket = TRY(new_socket());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return errno_error(errno, "connect to " + path);
  return socket;
}

Result<void> send_datagram(const Fd& socket, std::string_view bytes, std::span<const int> descriptors) {
  if (descriptors.size() > kMaxDescriptors)
    return Error(ErrorKind::kInvalid, "send message: more than 253 descriptors");
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  while (::sendmsg(socket.get(), &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return errno_error(errno, "send message");
  }
  return kOk;
}

Result<Datagram> receive_datagram(const Fd& socket, std::size_t max_bytes, int flags) {
  Datagram datagram;
  datagram.bytes.resize(max_bytes);
  iovec part{datagram.bytes.data(), max_bytes};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t count = -1;
  do {
    count = ::recvmsg(socket.get(), &message, flags | MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return errno_error(errno, "receive message");
  datagram.descriptors = take_descriptors(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return Error(ErrorKind::kInvalid, "receive message: longer than " + std::to_string(max_bytes) + " bytes");
  datagram.bytes.resize(static_cast<std::size_t>(count));
  return datagram;
}

}  // namespace cella
