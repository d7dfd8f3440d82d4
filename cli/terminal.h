// The terminal the command runs in: is it one, how large, raw mode that is undone.
#pragma once

#include <termios.h>
#include <optional>

#include "base/result.h"

namespace cella::cli {

bool is_terminal(int fd);

struct TerminalSize {
  int columns = 80;
  int rows = 25;
};
// Of the terminal on fd; nullopt when there is none.
std::optional<TerminalSize> terminal_size(int fd);

// Bytes pass as typed (cfmakeraw) until destruction, which restores the modes found.
class RawTerminal {
 public:
  // Errors: kIo "tcsetattr terminal" when fd is no terminal.
  static Result<RawTerminal> enter(int fd);
  RawTerminal(RawTerminal&& other) noexcept;
  RawTerminal& operator=(RawTerminal&&) = delete;
  ~RawTerminal();

 private:
  RawTerminal(int fd, const termios& before) : fd_(fd), before_(before) {}
  int fd_;
  termios before_;
};

}  // namespace cella::cli
