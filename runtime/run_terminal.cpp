#include "runtime/run_terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <cerrno>

namespace cella::runtime {
namespace {

constexpr char kEndOfTransmission = 4;  // ^D: how a terminal says end of file
constexpr std::size_t kChunk = 16384;

// Standard output of the user may be anything, also a full non-blocking pipe.
bool write_out(const char* bytes, std::size_t length) {
  while (length > 0) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes, length);
    if (written > 0) {
      bytes += written;
      length -= static_cast<std::size_t>(written);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return false;
    pollfd room{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
    ::poll(&room, 1, -1);
  }
  return true;
}

}  // namespace

TerminalSize terminal_size(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0) return {};
  return {.rows = size.ws_row, .columns = size.ws_col};
}

void set_terminal_size(const Fd& master, TerminalSize size) {
  winsize wanted{};
  wanted.ws_row = size.rows;
  wanted.ws_col = size.columns;
  ::ioctl(master.get(), TIOCSWINSZ, &wanted);
}

RawTerminal::RawTerminal(int fd) : fd_(fd) {
  termios modes{};
  if (::tcgetattr(fd, &modes) != 0) return;
  old_ = modes;
  ::cfmakeraw(&modes);
  ::tcsetattr(fd, TCSADRAIN, &modes);
}

RawTerminal::~RawTerminal() {
  if (old_) ::tcsetattr(fd_, TCSADRAIN, &*old_);
}

TerminalRelay::TerminalRelay(const Fd& master) : master_(master) {
  ::fcntl(master.get(), F_SETFL, ::fcntl(master.get(), F_GETFL) | O_NONBLOCK);
  slave_ = Fd(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
}

bool TerminalRelay::wait_for_signal(const Fd& signal_fd) {
  while (true) {
    pollfd ready[3] = {{.fd = signal_fd.get(), .events = POLLIN, .revents = 0},
                       {.fd = output_open_ ? master_.get() : -1, .events = POLLIN, .revents = 0},
                       {.fd = input_open_ && pending_.empty() ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0}};
    if (!pending_.empty()) ready[1].events |= POLLOUT;
    if (::poll(ready, 3, -1) < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    if ((ready[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !copy_output()) output_open_ = false;
    if ((ready[1].revents & POLLOUT) != 0) write_input();
    if ((ready[2].revents & (POLLIN | POLLHUP | POLLERR)) != 0) input_open_ = read_input();
    if ((ready[0].revents & POLLIN) != 0) return true;
  }
}

bool TerminalRelay::read_input() {
  char chunk[kChunk];
  const ssize_t length = ::read(STDIN_FILENO, chunk, sizeof chunk);
  if (length > 0) {
    pending_.assign(chunk, static_cast<std::size_t>(length));
    write_input();
    return true;
  }
  if (length < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  pending_.assign(1, kEndOfTransmission);
  write_input();
  return false;
}

void TerminalRelay::write_input() {
  const ssize_t written = ::write(master_.get(), pending_.data(), pending_.size());
  if (written > 0) pending_.erase(0, static_cast<std::size_t>(written));
  if (written < 0 && errno != EAGAIN && errno != EINTR) pending_.clear();
}

// False once nobody takes the output any more: the user's side is closed.
bool TerminalRelay::copy_output() {
  char chunk[kChunk];
  const ssize_t length = ::read(master_.get(), chunk, sizeof chunk);
  if (length > 0) return write_out(chunk, static_cast<std::size_t>(length));
  return length < 0 && (errno == EAGAIN || errno == EINTR);
}

void TerminalRelay::drain() {
  char chunk[kChunk];
  ssize_t length = 0;
  while ((length = ::read(master_.get(), chunk, sizeof chunk)) > 0) write_out(chunk, static_cast<std::size_t>(length));
}

}  // namespace cella::runtime
