// The keeper's end of the daemon's connection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/seqpacket.h"
#include "runtime/keeper_loop.h"
#include "runtime/protocol.h"

namespace cella::runtime {

// A message on its way to the daemon, with descriptors that stay the keeper's or are given away.
class Answer {
 public:
  explicit Answer(std::string bytes) : bytes_(std::move(bytes)) {}
  Answer(Answer&&) = default;
  Answer& operator=(Answer&&) = default;
  void lend(const Fd& fd) { descriptors_.push_back(fd.get()); }
  void give(Fd fd) {
    descriptors_.push_back(fd.get());
    given_.push_back(std::move(fd));
  }
  const std::string& bytes() const { return bytes_; }
  const std::vector<int>& descriptors() const { return descriptors_; }

 private:
  std::string bytes_;
  std::vector<int> descriptors_;
  std::vector<Fd> given_;
};

// Who serves the daemon.
class LinkHandler {
 public:
  virtual Answer answer(const protocol::Header& header, Datagram& request) = 0;
  // A daemon has said hello: push what it must know.
  virtual void daemon_arrived() = 0;
  virtual void daemon_left() = 0;

 protected:
  ~LinkHandler() = default;
};

// Listens, lets in processes of uid 0 only, and serves the one that said hello last; an earlier daemon is cut off.
// Requests and answers go over the accepted socket, one at a time; events over a second socket that comes with the
// answer to hello, so that neither waits for the other. Nothing here blocks: a daemon that does not take its answer is
// cut off, one that does not take events gets them later. Loop and handler outlive the link.
class Link final : private EventSink {
 public:
  Link(EventLoop& loop, LinkHandler& handler, Fd listener);
  ~Link();
  Result<void> start();

  // Queues a message for the event socket; dropped without a daemon (daemon_arrived() pushes again).
  void push(std::string message);
  bool has_daemon() const { return daemon_ != nullptr; }

 private:
  class Peer;
  class Events;
  static constexpr std::size_t kMaxWaiting = 8;

  void ready(std::uint32_t events) override;
  void serve(Peer& peer);
  void greet(Peer& peer, const protocol::Header& header);
  // far_end: what the daemon gets.
  Result<std::unique_ptr<Events>> make_events(const protocol::Header& header, Fd& far_end);
  void make_daemon(Peer& peer, std::unique_ptr<Events> events);
  void drop(const Peer& peer);

  EventLoop& loop_;
  LinkHandler& handler_;
  Fd listener_;
  Watch watch_;
  std::vector<std::unique_ptr<Peer>> waiting_;  // connected, no hello yet
  std::unique_ptr<Peer> daemon_;
  std::unique_ptr<Events> events_;
};

}  // namespace cella::runtime
