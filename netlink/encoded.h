// Sending a batch that was encoded earlier, from a process that must not allocate: the keeper and a child after clone.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cella::netlink {

// What became of an encoded batch. error: 0, or the errno of the first message that failed (or of send/recv).
struct EncodedOutcome {
  int error = 0;
  // Index of that message from 0; the number of messages when sending or receiving itself failed.
  unsigned failed_message = 0;
};

// A NETLINK_ROUTE socket in the caller's network namespace (CLOEXEC), or -1 with errno. Safe after clone.
int open_route_socket() noexcept;

// Sends bytes (whole messages as Batch makes them: acks asked for, numbered from 1) in one send and reads every ack.
// The kernel works through all messages even when one fails. socket must have no unread messages.
// Safe after clone: no allocation, no locks; the buffer is on the stack.
EncodedOutcome send_encoded(int socket, const std::uint8_t* bytes, std::size_t size) noexcept;

// Writes value in host order at offset: the process id at a placeholder's offset.
void patch_u32(std::uint8_t* bytes, std::size_t offset, std::uint32_t value) noexcept;

}  // namespace cella::netlink
