// Connecting the user's terminal with the console of a container.
#pragma once

#include <termios.h>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"

namespace cella::runtime {

struct TerminalSize {
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
};

// The size of the terminal behind a descriptor; zeros when it is none.
TerminalSize terminal_size(int fd);
void set_terminal_size(const Fd& master, TerminalSize size);

// Puts the terminal on a descriptor into raw mode; destroyed: its old modes are back. Nothing for a non-terminal.
class RawTerminal {
 public:
  explicit RawTerminal(int fd);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  int fd_;
  std::optional<termios> old_;
};

// Carries bytes between descriptors 0 and 1 and a console, without ever blocking on the console.
class TerminalRelay {
 public:
  // master: made non-blocking. Its slave is held open too, so that a moment without any program on the console (before
  // a getty opens it again) is not the console's end.
  explicit TerminalRelay(const Fd& master);

  // Carries bytes until a signal can be read from signal_fd. False: poll(2) failed.
  bool wait_for_signal(const Fd& signal_fd);
  // Writes out what the console still holds.
  void drain();

 private:
  bool read_input();
  void write_input();
  bool copy_output();

  const Fd& master_;
  Fd slave_;
  std::string pending_;  // typed, not yet taken by the console
  bool input_open_ = true;
  bool output_open_ = true;
};

}  // namespace cella::runtime
