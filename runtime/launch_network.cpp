#include "runtime/launch_network.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <cerrno>
#include <cstring>

namespace cella::runtime {
namespace {

// One answer buffer holds at least one acknowledgement with the request it quotes.
constexpr std::size_t kAnswerBytes = 8192;

// SAFETY: netlink messages are 4-byte aligned in the batch and headers are copied out, never referenced in place.
bool next_header(const char* bytes, std::size_t length, std::size_t offset, nlmsghdr& header) noexcept {
  if (offset + sizeof header > length) return false;
  std::memcpy(&header, bytes + offset, sizeof header);
  return header.nlmsg_len >= sizeof header && offset + header.nlmsg_len <= length;
}

std::uint32_t count_messages(const char* bytes, std::size_t length) noexcept {
  std::uint32_t count = 0;
  nlmsghdr header{};
  for (std::size_t offset = 0; next_header(bytes, length, offset, header); offset += NLMSG_ALIGN(header.nlmsg_len))
    ++count;
  return count;
}

// Takes the acknowledgements in one answer; keeps the first error. Returns how many there were.
std::uint32_t take_answers(const char* answer, std::size_t length, std::uint32_t seen, BatchOutcome& outcome) noexcept {
  std::uint32_t taken = 0;
  nlmsghdr header{};
  for (std::size_t offset = 0; next_header(answer, length, offset, header); offset += NLMSG_ALIGN(header.nlmsg_len)) {
    if (header.nlmsg_type != NLMSG_ERROR || header.nlmsg_len < sizeof(nlmsghdr) + sizeof(int)) continue;
    int error = 0;
    std::memcpy(&error, answer + offset + sizeof header, sizeof error);
    if (error != 0 && outcome.errno_value == 0) outcome = {.errno_value = -error, .index = seen + taken};
    ++taken;
  }
  return taken;
}

}  // namespace

int open_route_socket() noexcept { return ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE); }

BatchOutcome send_netlink_batch(int socket, const char* bytes, std::size_t length) noexcept {
  const std::uint32_t expected = count_messages(bytes, length);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  // SAFETY: sockaddr_nl is the address form of an AF_NETLINK socket.
  const auto* address = reinterpret_cast<const sockaddr*>(&kernel);
  if (::sendto(socket, bytes, length, 0, address, sizeof kernel) < 0) return {.errno_value = errno};
  BatchOutcome outcome;
  alignas(nlmsghdr) char answer[kAnswerBytes];
  for (std::uint32_t seen = 0; seen < expected;) {
    const ssize_t received = ::recv(socket, answer, sizeof answer, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return {.errno_value = errno, .index = seen};
    seen += take_answers(answer, static_cast<std::size_t>(received), seen, outcome);
  }
  return outcome;
}

}  // namespace cella::runtime
