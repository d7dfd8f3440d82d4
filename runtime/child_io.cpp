#include "runtime/child_io.h"

#include <sys/socket.h>
#include <cerrno>
#include <cstring>

namespace cella::runtime {

int receive_go(int socket, int* late, std::size_t capacity) noexcept {
  char go = 0;
  iovec bytes{.iov_base = &go, .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxLateDescriptors)];
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t received = 0;
  do received = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  if (received != 1 || (message.msg_flags & MSG_CTRUNC) != 0) return -1;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr) return 0;
  const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  if (count > capacity) return -1;
  std::memcpy(late, CMSG_DATA(header), count * sizeof(int));
  return static_cast<int>(count);
}

void send_report(int socket, const ChildReport& report, int descriptor) noexcept {
  // SAFETY: sendmsg only reads the report; iovec has no const form.
  iovec bytes{.iov_base = const_cast<ChildReport*>(&report), .iov_len = sizeof report};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

}  // namespace cella::runtime
