// Owned file descriptors. Raw open/close/dup belong to this folder; everyone else holds one of these types.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace cella {

// Owns one descriptor, closed on destruction. Move-only. Not synchronised: one owner at a time.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }

  // Gives up ownership; the caller closes it.
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

  // A second descriptor of the same open file description (F_DUPFD_CLOEXEC).
  Result<Fd> duplicate() const;

 private:
  int fd_ = -1;
};

// A directory (O_PATH or readable) that relative names are resolved against. Same rules as Fd.
class DirFd : public Fd {
 public:
  using Fd::Fd;
  explicit DirFd(Fd fd) : Fd(std::move(fd)) {}
};

// A process named for good: it can never come to mean another process (pidfd_open(2), Linux 5.3).
class PidFd : public Fd {
 public:
  using Fd::Fd;
  explicit PidFd(Fd fd) : Fd(std::move(fd)) {}
};

// open(2) with O_CLOEXEC added. flags, mode: as open(2). Errors carry "open PATH".
Result<Fd> open_path(const std::string& path, int flags, unsigned mode = 0);

// openat(2) with O_CLOEXEC added; name is relative to dir. Errors carry "open NAME".
Result<Fd> open_at(const Fd& dir, const std::string& name, int flags, unsigned mode = 0);

// Opens a directory: O_RDONLY|O_DIRECTORY|O_CLOEXEC.
Result<DirFd> open_dir(const std::string& path);
Result<DirFd> open_dir_at(const Fd& dir, const std::string& name);

struct Pipe {
  Fd read_end;
  Fd write_end;
};
// pipe2(2) with O_CLOEXEC. flags: further pipe2 flags (O_NONBLOCK).
Result<Pipe> make_pipe(int flags = 0);

}  // namespace cella
