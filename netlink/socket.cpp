#include "netlink/socket.h"

#include <cerrno>
#include <optional>
#include <sched.h>
#include <sys/socket.h>
#include <thread>

namespace cella::netlink {
namespace {

Result<Fd> open_socket(int protocol) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd) return errno_error(errno, "socket AF_NETLINK " + std::to_string(protocol));
  const int on = 1;
  // Older kernels lack these; the acks are then longer and without text.
  (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  const int receive_bytes = 1 << 20;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof receive_bytes) != 0) {
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  }
  return fd;
}

Result<void> send_bytes(int fd, BytesView bytes) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  for (;;) {
    // SAFETY: sockaddr_nl is the address type of AF_NETLINK.
    if (::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) >= 0) {
      return kOk;
    }
    if (errno != EINTR) return errno_error(errno, "send netlink batch");
  }
}

// The failure in an ack: errno, and the kernel's own words when it gave some (NLMSGERR_ATTR_MSG).
std::optional<Error> ack_failure(const MessageView& message, const std::string& label) {
  const auto body = message.fixed<nlmsgerr>();
  if (body.error == 0) return std::nullopt;
  std::string what = label;
  if ((message.header.nlmsg_flags & NLM_F_ACK_TLVS) != 0) {
    std::size_t skip = sizeof body;
    if ((message.header.nlmsg_flags & NLM_F_CAPPED) == 0) skip += body.msg.nlmsg_len - sizeof(nlmsghdr);
    const auto attributes = split_attributes(message.attributes(skip));
    if (const auto* text = find_attribute(attributes, NLMSGERR_ATTR_MSG)) what += ": " + text->text();
  }
  return errno_error(-body.error, std::move(what));
}

}  // namespace

Result<Socket> Socket::open(int protocol) { return Socket(TRY(open_socket(protocol))); }

Result<Socket> Socket::open_in(const Fd& network_namespace, int protocol) {
  std::optional<Result<Fd>> opened;
  std::thread([&] {
    if (::setns(network_namespace.get(), CLONE_NEWNET) != 0) {
      opened.emplace(errno_error(errno, "setns network namespace"));
    } else {
      opened.emplace(open_socket(protocol));
    }
  }).join();
  return Socket(TRY(*std::move(opened)));
}

Result<BytesView> Socket::receive(int flags) {
  buffer_.resize(64 * 1024);
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), buffer_.data(), buffer_.size(), flags | MSG_TRUNC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(errno, "receive netlink answer");
    if (static_cast<std::size_t>(got) > buffer_.size()) {
      return Error(ErrorKind::kIo, EMSGSIZE, "receive netlink answer of " + std::to_string(got) + " bytes");
    }
    return BytesView(buffer_.data(), static_cast<std::size_t>(got));
  }
}

Result<void> Socket::send(const Batch& batch) {
  if (batch.empty()) return kOk;
  TRY(send_bytes(fd_.get(), batch.bytes()));
  std::optional<Error> first;
  std::uint32_t first_sequence = 0;
  std::size_t acks = 0;
  while (acks < batch.message_count()) {
    for (const MessageView& message : TRY(split_messages(TRY(receive(0))))) {
      const std::uint32_t sequence = message.header.nlmsg_seq;
      if (message.header.nlmsg_type != NLMSG_ERROR || sequence == 0 || sequence > batch.message_count()) continue;
      ++acks;
      auto failure = ack_failure(message, batch.labels()[sequence - 1]);
      if (failure && (!first || sequence < first_sequence)) {
        first = std::move(failure);
        first_sequence = sequence;
      }
    }
  }
  if (first) return *std::move(first);
  return kOk;
}

Result<void> Socket::dump(const Batch& request, const std::function<void(const MessageView&)>& visit) {
  TRY(send_bytes(fd_.get(), request.bytes()));
  bool interrupted = false;
  for (;;) {
    for (const MessageView& message : TRY(split_messages(TRY(receive(0))))) {
      if ((message.header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted = true;
      if (message.header.nlmsg_type == NLMSG_DONE) {
        const auto status = message.fixed<int>();
        if (status < 0) return errno_error(-status, request.labels()[0]);
        if (interrupted) return Error(ErrorKind::kBusy, EINTR, request.labels()[0] + ": changed meanwhile");
        return kOk;
      }
      if (message.header.nlmsg_type == NLMSG_ERROR) {
        auto failure = ack_failure(message, request.labels()[0]);
        if (failure) return *std::move(failure);
        return kOk;
      }
      visit(message);
    }
  }
}

Result<void> Socket::send_transaction(BytesView bytes, std::uint32_t first_sequence,
                                      const std::vector<std::string>& labels) {
  TRY(send_bytes(fd_.get(), bytes));
  std::optional<Error> first;
  // nfnetlink works through the whole transaction before it answers: all acks are queued when send returns.
  for (;;) {
    auto received = receive(MSG_DONTWAIT);
    if (!received.ok()) {
      if (received.error().errno_value() == EAGAIN) break;
      return std::move(received).error();
    }
    for (const MessageView& message : TRY(split_messages(*received))) {
      if (message.header.nlmsg_type != NLMSG_ERROR || first) continue;
      const std::uint32_t index = message.header.nlmsg_seq - first_sequence;
      first = ack_failure(message, index < labels.size() ? labels[index] : "nftables transaction");
    }
  }
  if (first) return *std::move(first);
  return kOk;
}

}  // namespace cella::netlink
