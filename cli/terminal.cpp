#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <cerrno>
#include <utility>

namespace cella::cli {

bool is_terminal(int fd) { return isatty(fd) == 1; }

std::optional<TerminalSize> terminal_size(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0) return std::nullopt;
  if (size.ws_col == 0 || size.ws_row == 0) return TerminalSize{};
  return TerminalSize{.columns = size.ws_col, .rows = size.ws_row};
}

Result<RawTerminal> RawTerminal::enter(int fd) {
  termios before{};
  if (tcgetattr(fd, &before) != 0) return errno_error(errno, "tcgetattr terminal");
  termios raw = before;
  cfmakeraw(&raw);
  if (tcsetattr(fd, TCSANOW, &raw) != 0) return errno_error(errno, "tcsetattr terminal");
  return RawTerminal(fd, before);
}

RawTerminal::RawTerminal(RawTerminal&& other) noexcept : fd_(std::exchange(other.fd_, -1)), before_(other.before_) {}

RawTerminal::~RawTerminal() {
  if (fd_ >= 0) tcsetattr(fd_, TCSANOW, &before_);
}

}  // namespace cella::cli
