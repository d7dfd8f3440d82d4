// A container's console in the keeper: its pty master, the backlog, and the streams that follow it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/client.h"
#include "runtime/keeper_loop.h"
#include "runtime/ring.h"

namespace cella::runtime {

// Reads the master whenever there is output, so that the container never waits for anyone. Each attached stream has its
// own position in the ring and gets output as fast as it takes it; one that falls behind the ring skips ahead.
// Input of a stream goes to the master; while the container does not take it, the stream is not read.
// The loop outlives the console. Not thread-safe.
class Console final : private EventSink {
 public:
  static constexpr std::size_t kMaxBacklog = 128 * 1024;
  static constexpr std::size_t kMaxStreams = 16;

  // master: a pty master; it is made non-blocking.
  static Result<std::unique_ptr<Console>> create(EventLoop& loop, Fd master);
  ~Console();

  // A new stream; the caller's end. Errors: kBusy when kMaxStreams are attached.
  Result<Fd> attach(Replay replay);
  // The backlog in a rewound memory file.
  Result<Fd> backlog() const;
  void clear() { ring_.clear(); }
  Result<void> resize(ConsoleSize size);
  const Fd& master() const { return master_; }

  // The container ended: takes the last output, closes the master, and lets streams end once they have read it all.
  void finish();

 private:
  class Stream;

  Console(EventLoop& loop, Fd master);
  void ready(std::uint32_t events) override;
  // True when something was read.
  bool read_output();
  void update_watch();
  Result<void> hold_slave();
  void feed_streams();
  void drop(const Stream& stream);

  EventLoop& loop_;
  Fd master_;
  Fd slave_;  // kept open so that the master is not hung up while nothing inside has the console open
  Watch watch_;
  Ring ring_;
  std::vector<std::unique_ptr<Stream>> streams_;
};

}  // namespace cella::runtime
