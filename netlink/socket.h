// One netlink socket: sends batches and reads every ack, runs dumps.
#pragma once

#include <functional>

#include "base/fd.h"
#include "netlink/message.h"

namespace cella::netlink {

// Owns a netlink socket, bound for good to the network namespace it was opened in. Not thread-safe: one user at a time.
class Socket {
 public:
  // Opens in the calling thread's network namespace. protocol: NETLINK_ROUTE or NETLINK_NETFILTER.
  static Result<Socket> open(int protocol = NETLINK_ROUTE);
  // Opens inside the network namespace behind a descriptor, on a short-lived thread of its own, so that the calling
  // thread never changes namespace.
  static Result<Socket> open_in(const Fd& network_namespace, int protocol = NETLINK_ROUTE);
  // Takes a netlink socket made elsewhere.
  static Socket adopt(Fd fd) { return Socket(std::move(fd)); }

  // Sends all messages with one call and collects every ack; an empty batch is success.
  // Errors: the first message that failed, "LABEL: kernel's text" with its errno. Later messages were still tried.
  Result<void> send(const Batch& batch);

  // Runs one dump (NLM_F_DUMP set in its flags) or get request and gives each answer to visit. An interrupted dump
  // (NLM_F_DUMP_INTR) is kBusy: ask again.
  Result<void> dump(const Batch& request, const std::function<void(const MessageView&)>& visit);

  // Sends raw bytes (an nftables transaction) and reads what was answered. Failures
  // name the message; labels: by sequence number minus first_sequence.
  Result<void> send_transaction(BytesView bytes, std::uint32_t first_sequence,
                                const std::vector<std::string>& labels);

  int fd() const { return fd_.get(); }

 private:
  explicit Socket(Fd fd) : fd_(std::move(fd)) {}
  Result<BytesView> receive(int flags);

  Fd fd_;
  Bytes buffer_;
};

}  // namespace cella::netlink
