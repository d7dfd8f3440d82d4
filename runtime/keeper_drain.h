// Reads a terminal and throws away what comes.
#pragma once

#include <memory>
#include <unistd.h>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/keeper_loop.h"

namespace cella::runtime {

// For the terminal of a session whose daemon died: nobody will read it again, and a full pty would stop the process.
// The descriptor outlives the drain.
class Drain final : private EventSink {
 public:
  static Result<std::unique_ptr<Drain>> create(EventLoop& loop, const Fd& terminal);

 private:
  explicit Drain(const Fd& terminal) : terminal_(terminal) {}
  void ready(std::uint32_t events) override;

  const Fd& terminal_;
  Watch watch_;
};

}  // namespace cella::runtime
