#include "storage/unpack.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/files.h"
#include "base/syscalls.h"
#include "storage/id_mapped.h"
#include "storage/unpack_worker.h"

namespace cella::storage {
namespace {

// Host ids that nothing else uses: above every range that systemd or useradd hands out, and above the instances' own.
// Workers that run at the same time get different ones, so that they are strangers to each other.
constexpr std::uint32_t kFirstWorkerId = 2'000'000'000;
constexpr std::uint32_t kWorkerRanges = 64;

Result<IdMap> next_worker_map() {
  static std::atomic<std::uint32_t> next{0};
  return IdMap::isolated(kFirstWorkerId + (next++ % kWorkerRanges) * 65536);
}

class Worker {
 public:
  ~Worker() {
    if (pid_ > 0) kill_and_reap();
  }

  Result<void> start(const WorkerJob& job) {
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) return errno_error(errno, "fork unpack worker");
    if (pid_ == 0) run_child(job, parent);
    return kOk;
  }

  void kill_and_reap() {
    // The pid is our unreaped child's: it cannot mean anyone else.
    ::kill(pid_, SIGKILL);
    static_cast<void>(reap());
  }

  Result<int> reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0) {
      if (errno != EINTR) return errno_error(errno, "waitpid unpack worker");
    }
    pid_ = -1;
    return status;
  }

 private:
  [[noreturn]] static void run_child(const WorkerJob& job, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    close_all_but(job);
    ::_exit(run_unpack_worker(job));
  }

  // fork() copied every descriptor of the daemon; the worker keeps the ones of its job.
  static void close_all_but(const WorkerJob& job) {
    std::array<unsigned, 4> keep{static_cast<unsigned>(job.archive.get()),
                                 static_cast<unsigned>(job.user_namespace.get()),
                                 static_cast<unsigned>(job.report.get()),
                                 static_cast<unsigned>(job.destination ? job.destination->get() : job.report.get())};
    std::sort(keep.begin(), keep.end());
    unsigned first = 0;
    for (const unsigned fd : keep) {
      if (fd > first) sys_close_range(first, fd - 1, 0);
      first = fd + 1;
    }
    sys_close_range(first, ~0u, 0);
  }

  pid_t pid_ = -1;
};

Result<bool> read_exactly(const Fd& fd, void* data, std::size_t size) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t count = ::read(fd.get(), at, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(errno, "read from unpack worker");
    if (count == 0) return false;
    at += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

struct Received {
  WorkerMessage head;
  std::string text;
};

// False: the worker is gone. What it says is not trusted beyond its shape.
Result<bool> receive(const Fd& pipe, Received& message) {
  if (!TRY(read_exactly(pipe, &message.head, sizeof message.head))) return false;
  if (message.head.text_size > kMaxWorkerText) return Error(ErrorKind::kIo, "unpack worker: message too long");
  message.text.resize(message.head.text_size);
  return read_exactly(pipe, message.text.data(), message.text.size());
}

Error worker_error(const Received& message) {
  const auto kind = message.head.error_kind <= static_cast<std::uint32_t>(ErrorKind::kInternal)
                        ? static_cast<ErrorKind>(message.head.error_kind)
                        : ErrorKind::kIo;
  return Error(kind, message.head.error_number, message.text);
}

Result<UnpackReport> follow(Worker& worker, const Fd& pipe, std::uint64_t total, const Watch& watch) {
  UnpackReport report;
  Received message;
  while (TRY(receive(pipe, message))) {
    switch (message.head.type) {
      case WorkerMessageType::kProgress:
        if (watch.cancelled && watch.cancelled()) return Error(ErrorKind::kCancelled, "unpack");
        if (watch.progress) watch.progress(std::min(message.head.consumed, total), total);
        break;
      case WorkerMessageType::kMetadata:
        report.metadata = std::move(message.text);
        break;
      case WorkerMessageType::kFailed:
        return worker_error(message);
      case WorkerMessageType::kDone:
        report.entries = message.head.entries;
        report.bytes = message.head.bytes;
        report.skipped_devices = message.head.skipped_devices;
        report.skipped_attributes = message.head.skipped_attributes;
        return report;
    }
  }
  const int status = TRY(worker.reap());
  if (WIFSIGNALED(status))
    return Error(ErrorKind::kIo, "unpack worker died of signal " + std::to_string(WTERMSIG(status)));
  return Error(ErrorKind::kIo, "unpack worker ended without a word, status " + std::to_string(WEXITSTATUS(status)));
}

Result<UnpackReport> run_worker(const Fd& archive, ArchiveLayout layout, const Fd* directory,
                                const UnpackLimits& limits, const Watch& watch, const std::string& part = {},
                                const std::optional<IdMap>& owners = {}) {
  struct stat status {};
  if (::fstat(archive.get(), &status) != 0) return errno_error(errno, "stat archive");
  const bool seekable = S_ISREG(status.st_mode);  // a pipe gives the archive once
  if (seekable && ::lseek(archive.get(), 0, SEEK_SET) < 0) return errno_error(errno, "seek archive");
  const IdMap map = TRY(next_worker_map());
  const Fd user_namespace = TRY(user_namespace_for(map));
  Fd destination;
  if (directory != nullptr) destination = TRY(open_mapped_tree(*directory, ".", map, MountAccess::kReadWrite));
  Pipe pipe = TRY(make_pipe());
  Worker worker;
  TRY(worker.start(WorkerJob{archive, layout, directory ? &destination : nullptr, user_namespace, pipe.write_end,
                             limits, part, owners}));
  pipe.write_end.reset();
  return follow(worker, pipe.read_end, static_cast<std::uint64_t>(status.st_size), watch);
}

}  // namespace

Result<UnpackReport> inspect_archive(const Fd& archive, ArchiveLayout layout, const UnpackLimits& limits,
                                     const Watch& watch) {
  return run_worker(archive, layout, nullptr, limits, watch);
}

Result<UnpackReport> unpack_archive(const Fd& archive, ArchiveLayout layout, const Fd& directory,
                                    const UnpackLimits& limits, const Watch& watch) {
  return run_worker(archive, layout, &directory, limits, watch);
}

Result<std::string> read_backup_index(const Fd& archive, const Watch& watch) {
  return TRY(run_worker(archive, ArchiveLayout::kBackupIndex, nullptr, UnpackLimits{}, watch)).metadata;
}

Result<UnpackReport> unpack_backup_part(const Fd& archive, const std::string& part, const std::optional<IdMap>& owners,
                                        const Fd& directory, const UnpackLimits& limits, const Watch& watch) {
  return run_worker(archive, ArchiveLayout::kBackupPart, &directory, limits, watch, part, owners);
}

Result<UnpackReport> unpack_backup_volume(const Fd& archive, const std::string& part,
                                          const std::optional<IdMap>& owners, const Fd& directory,
                                          const UnpackLimits& limits, const Watch& watch) {
  return run_worker(archive, ArchiveLayout::kBackupVolume, &directory, limits, watch, part, owners);
}

namespace {

std::uint64_t little_endian(const unsigned char* bytes, int count) {
  std::uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}

Result<void> check_length(const std::string& what, std::uint64_t needed, const struct stat& status) {
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (needed <= size) return kOk;
  return Error(ErrorKind::kInvalid,
               what + ": cut short, " + std::to_string(size) + " of " + std::to_string(needed) + " bytes");
}

}  // namespace

Result<RootfsFormat> detect_rootfs(const Fd& file, const std::string& name) {
  std::array<unsigned char, 1024 + 128> head{};
  if (::pread(file.get(), head.data(), head.size(), 0) < 0) return errno_error(errno, "read " + name);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return errno_error(errno, "stat " + name);
  if (std::memcmp(head.data(), "hsqs", 4) == 0) {
    // struct squashfs_super_block: s_major at 28 (le16), bytes_used at 40 (le64).
    TRY(check_length("squashfs " + name, std::max<std::uint64_t>(little_endian(&head[40], 8), 96), status));
    if (head[28] != 4 || head[29] != 0) return Error(ErrorKind::kInvalid, "squashfs " + name + ": version is not 4");
    return RootfsFormat::kFileSystem;
  }
  const unsigned char* erofs = &head[1024];
  if (std::memcmp(erofs, "\xe2\xe1\xf5\xe0", 4) != 0) return RootfsFormat::kArchive;
  // struct erofs_super_block: blkszbits at 12, blocks at 36 (le32).
  if (erofs[12] > 16) return Error(ErrorKind::kInvalid, "erofs " + name + ": damaged super block");
  TRY(check_length("erofs " + name, little_endian(erofs + 36, 4) << erofs[12], status));
  return RootfsFormat::kFileSystem;
}

}  // namespace cella::storage
