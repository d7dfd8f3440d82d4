// The local side of exec and console: standard input and signals on one thread, output on others.
#pragma once

#include <csignal>
#include <functional>
#include <initializer_list>
#include <string_view>
#include <thread>

#include "api/client.h"
#include "base/fd.h"

namespace cella::cli {

// Blocks the signals in the calling thread and all it starts, until destruction.
class BlockedSignals {
 public:
  explicit BlockedSignals(std::initializer_list<int> signals);
  ~BlockedSignals();
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

  // A signalfd of the set. Errors: kIo.
  Result<Fd> descriptor() const;

 private:
  sigset_t set_;
  sigset_t before_;
};

// Reads a descriptor and a signalfd until stopped.
class InputPump {
 public:
  struct Handlers {
    // Called with what was read. Returning false stops the pump.
    std::function<bool(std::string_view)> data;
    // End of input, once.
    std::function<void()> end;
    std::function<void(int signal)> signal;
  };

  // input: borrowed; -1 reads nothing. signals: may be empty.
  static Result<InputPump> start(int input, Fd signals, Handlers handlers);
  InputPump(InputPump&&) = default;
  InputPump& operator=(InputPump&&) = delete;
  // Stops and joins.
  ~InputPump();

 private:
  InputPump(Fd stop, std::thread thread) : stop_(std::move(stop)), thread_(std::move(thread)) {}
  Fd stop_;
  std::thread thread_;
};

// Copies binary frames to fd until the peer says end of file (an empty text frame) or closes.
void copy_frames(api::WebSocket& socket, int fd);

}  // namespace cella::cli
