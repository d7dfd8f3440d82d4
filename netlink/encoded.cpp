#include "netlink/encoded.h"

#include <cerrno>
#include <cstring>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cella::netlink {
namespace {

unsigned count_messages(const std::uint8_t* bytes, std::size_t size) noexcept {
  unsigned count = 0;
  std::size_t offset = 0;
  while (offset + sizeof(nlmsghdr) <= size) {
    nlmsghdr header;
    std::memcpy(&header, bytes + offset, sizeof header);
    if (header.nlmsg_len < sizeof header) break;
    ++count;
    offset += NLMSG_ALIGN(header.nlmsg_len);
  }
  return count;
}

// Takes the acks in one datagram. A failure of an earlier message wins over one of a later.
unsigned take_acks(const std::uint8_t* bytes, std::size_t size, EncodedOutcome& outcome) noexcept {
  unsigned acks = 0;
  std::size_t offset = 0;
  while (offset + sizeof(nlmsghdr) <= size) {
    nlmsghdr header;
    std::memcpy(&header, bytes + offset, sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > size - offset) break;
    if (header.nlmsg_type == NLMSG_ERROR && header.nlmsg_len >= sizeof header + sizeof(int)) {
      int error = 0;
      std::memcpy(&error, bytes + offset + sizeof header, sizeof error);
      ++acks;
      if (error != 0 && (outcome.error == 0 || header.nlmsg_seq - 1 < outcome.failed_message)) {
        outcome = {-error, header.nlmsg_seq - 1};
      }
    }
    offset += NLMSG_ALIGN(header.nlmsg_len);
  }
  return acks;
}

}  // namespace

int open_route_socket() noexcept {
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return -1;
  // Without it each ack of a failed message carries the whole message back.
  const int on = 1;
  (void)::setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  return fd;
}

EncodedOutcome send_encoded(int socket, const std::uint8_t* bytes, std::size_t size) noexcept {
  const unsigned expected = count_messages(bytes, size);
  if (expected == 0) return {};
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  ssize_t sent = 0;
  do {
    // SAFETY: sockaddr_nl is the address type of AF_NETLINK.
    sent = ::sendto(socket, bytes, size, 0, reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return {errno, expected};

  EncodedOutcome outcome;
  unsigned acks = 0;
  std::uint8_t buffer[8192];
  while (acks < expected) {
    const ssize_t got = ::recv(socket, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {errno, expected};
    acks += take_acks(buffer, static_cast<std::size_t>(got), outcome);
  }
  return outcome;
}

void patch_u32(std::uint8_t* bytes, std::size_t offset, std::uint32_t value) noexcept {
  std::memcpy(bytes + offset, &value, sizeof value);
}

}  // namespace cella::netlink
