#include "runtime/keeper_console.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/files.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

namespace cella::runtime {

// One attached reader and writer.
class Console::Stream final : public EventSink {
 public:
  Stream(Console& console, Fd socket, std::uint64_t position)
      : console_(console), socket_(std::move(socket)), position_(position) {}

  Result<void> start() { return watch_.start(console_.loop_, socket_, EPOLLIN, *this); }

  // Sends what the peer takes. False when the peer is gone, or has everything of a console that ended.
  bool feed();
  // Gives waiting input to the master.
  void type();
  bool has_input() const { return !input_.empty(); }

 private:
  void ready(std::uint32_t events) override;
  bool read_input();
  void update_watch();

  Console& console_;
  Fd socket_;
  Watch watch_;
  std::uint64_t position_;
  bool blocked_ = false;  // the peer does not read
  std::string input_;     // not taken by the container yet
};

bool Console::Stream::feed() {
  blocked_ = false;
  while (position_ < console_.ring_.end()) {
    position_ = std::max(position_, console_.ring_.begin());
    const std::string_view part = console_.ring_.piece(position_);
    if (part.empty()) break;
    const ssize_t sent = ::send(socket_.get(), part.data(), part.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) return false;
    blocked_ = sent < 0;
    if (blocked_) break;
    position_ += static_cast<std::uint64_t>(sent);
  }
  update_watch();
  return blocked_ || console_.master_.valid();
}

void Console::Stream::type() {
  while (!input_.empty() && console_.master_) {
    const ssize_t written = ::write(console_.master_.get(), input_.data(), input_.size());
    if (written < 0 && errno == EINTR) continue;
    // A hung up terminal takes no input; keeping it would block the stream for ever.
    if (written < 0 && errno != EAGAIN) input_.clear();
    if (written <= 0) break;
    input_.erase(0, static_cast<std::size_t>(written));
  }
  if (!console_.master_) input_.clear();
  update_watch();
}

void Console::Stream::update_watch() {
  watch_.set((input_.empty() ? std::uint32_t{EPOLLIN} : 0u) | (blocked_ ? std::uint32_t{EPOLLOUT} : 0u));
}

bool Console::Stream::read_input() {
  char buffer[1024];
  const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) return false;
  input_.append(buffer, static_cast<std::size_t>(count));
  type();
  console_.update_watch();
  return true;
}

void Console::Stream::ready(std::uint32_t events) {
  bool lives = (events & (EPOLLHUP | EPOLLERR)) == 0;
  if (lives && (events & EPOLLIN) != 0) lives = read_input();
  if (lives && (events & EPOLLOUT) != 0) lives = feed();
  if (!lives) console_.drop(*this);
}

Result<std::unique_ptr<Console>> Console::create(EventLoop& loop, Fd master) {
  const int flags = ::fcntl(master.get(), F_GETFL);
  if (flags < 0 || ::fcntl(master.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return errno_error(errno, "make console non-blocking");
  std::unique_ptr<Console> console(new Console(loop, std::move(master)));
  TRY(console->hold_slave());
  TRY(console->watch_.start(loop, console->master_, EPOLLIN, *console));
  return console;
}

Console::Console(EventLoop& loop, Fd master) : loop_(loop), master_(std::move(master)), ring_(kMaxBacklog) {}

Console::~Console() = default;

Result<void> Console::hold_slave() {
  slave_.reset();
  slave_.reset(::ioctl(master_.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!slave_) return errno_error(errno, "open the console's terminal side");
  return kOk;
}

void Console::ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) {
    for (auto& stream : streams_) stream->type();
    update_watch();
  }
  const bool got_output = (events & EPOLLIN) != 0 && read_output();
  // vhangup(2) inside closes every terminal side, ours too, and the master then reports a hang-up without end until
  // somebody opens the terminal again.
  if ((events & EPOLLHUP) != 0 && !got_output && !hold_slave().ok()) watch_.stop();
  feed_streams();
}

bool Console::read_output() {
  char buffer[4096];
  const ssize_t count = ::read(master_.get(), buffer, sizeof buffer);
  if (count <= 0) return false;
  ring_.append({buffer, static_cast<std::size_t>(count)});
  return true;
}

void Console::update_watch() {
  const bool waiting = std::any_of(streams_.begin(), streams_.end(), [](const auto& stream) { return stream->has_input(); });
  watch_.set(waiting ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void Console::feed_streams() {
  std::erase_if(streams_, [](const auto& stream) { return !stream->feed(); });
}

void Console::drop(const Stream& stream) {
  std::erase_if(streams_, [&stream](const auto& candidate) { return candidate.get() == &stream; });
  update_watch();
}

Result<Fd> Console::attach(Replay replay) {
  if (!master_) return Error(ErrorKind::kNotFound, "attach console: the container has ended");
  if (streams_.size() >= kMaxStreams) return Error(ErrorKind::kBusy, "attach console: 16 clients are attached already");
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return errno_error(errno, "create console stream");
  Fd ours(ends[0]);
  Fd theirs(ends[1]);
  const std::uint64_t position = replay == Replay::kBacklog ? ring_.begin() : ring_.end();
  auto stream = std::make_unique<Stream>(*this, std::move(ours), position);
  TRY(stream->start());
  if (stream->feed()) streams_.push_back(std::move(stream));
  return theirs;
}

Result<Fd> Console::backlog() const {
  Fd file(::memfd_create("console", MFD_CLOEXEC));
  if (!file) return errno_error(errno, "create console backlog");
  for (std::uint64_t position = ring_.begin(); position < ring_.end();) {
    const std::string_view part = ring_.piece(position);
    TRY_CONTEXT("console backlog", write_all(file, part));
    position += part.size();
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return errno_error(errno, "rewind console backlog");
  return file;
}

Result<void> Console::resize(ConsoleSize size) {
  if (!master_) return Error(ErrorKind::kNotFound, "resize console: the container has ended");
  winsize window{};
  window.ws_row = size.rows;
  window.ws_col = size.columns;
  if (::ioctl(master_.get(), TIOCSWINSZ, &window) != 0) return errno_error(errno, "resize console");
  return kOk;
}

void Console::finish() {
  // Bounded: a process elsewhere that was handed the terminal could write for ever.
  for (int i = 0; i < 64 && read_output(); ++i) {
  }
  watch_.stop();
  slave_.reset();
  master_.reset();
  feed_streams();
}

}  // namespace cella::runtime
