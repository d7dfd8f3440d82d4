#include "runtime/client_start.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/seqpacket.h"
#include "base/syscalls.h"
#include "runtime/keeper_main.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // Linux 6.3
#endif

namespace cella::runtime {
namespace {

constexpr int kSafeDescriptor = 10;  // above every number that the child's dup2 writes to

// What the child needs; it allocates nothing.
struct Start {
  int binary = -1;
  int null = -1;
  int log = -1;
  int listener = -1;
  int failure = -1;  // pipe for an errno, closed by execve
  int cgroup = -1;
  int mounts = -1;  // a mount namespace to work in
  const char* role = "";
  const char* directory = "";
};

[[noreturn]] void give_up(const Start& start) noexcept {
  const int saved = errno;
  (void)!::write(start.failure, &saved, sizeof saved);
  ::_exit(1);
}

// SAFETY: runs after clone in a copy of a program with threads: only system calls.
[[noreturn]] void become_program(const Start& start) noexcept {
  sigset_t none;
  sigemptyset(&none);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setsid();
  const int wanted[] = {start.null, start.log, start.log, start.listener};
  for (int target = 0; target <= kListenerDescriptor; ++target)
    if (::dup2(wanted[target], target) < 0) give_up(start);
  if (start.mounts >= 0 && ::setns(start.mounts, CLONE_NEWNS) != 0) give_up(start);
  if (::chdir("/") != 0) give_up(start);
  sys_close_range(kListenerDescriptor + 1, ~0u, CLOSE_RANGE_CLOEXEC);
  // The directory is for people: it tells one daemon's keeper from another's in a list of processes.
  const char* const argv[] = {"cella-runtime", start.role, start.directory, nullptr};
  const char* const environment[] = {nullptr};
  ::syscall(SYS_execveat, start.binary, "", argv, environment, AT_EMPTY_PATH);
  give_up(start);
}

// The first child ends at once, so that the program becomes init's child and never this process's zombie.
[[noreturn]] void start_grandchild(const Start& start) noexcept {
  clone_args args{};
  args.exit_signal = SIGCHLD;
  if (start.cgroup >= 0) {
    args.flags = CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(start.cgroup);
  }
  const long pid = sys_clone3(&args);
  if (pid < 0) give_up(start);
  if (pid == 0) become_program(start);
  ::_exit(0);
}

Result<Fd> raised(const Fd& fd) {
  Fd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kSafeDescriptor));
  if (!copy) return errno_error(errno, "duplicate descriptor for a program that outlives this one");
  return copy;
}

std::string log_path(const KeeperOptions& options) { return options.cella_dir + "/keeper/log"; }

bool nobody_listens(const Error& error) {
  return error.errno_value() == ENOENT || error.errno_value() == ECONNREFUSED;
}

}  // namespace

Result<void> start_program(const LastingProgram& program, const Fd& listener) {
  const Fd binary = TRY(raised(TRY(seal_executable(program.runtime_binary))));
  const Fd null = TRY(raised(TRY(open_path("/dev/null", O_RDWR))));
  const Fd log = TRY(raised(TRY(open_path(program.log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600))));
  const Fd raised_listener = TRY(raised(listener));
  Fd mounts;
  if (program.mounts >= 0) {
    mounts.reset(::fcntl(program.mounts, F_DUPFD_CLOEXEC, kSafeDescriptor));
    if (!mounts) return errno_error(errno, "duplicate a mount namespace");
  }
  Pipe failure = TRY(make_pipe());
  Fd failure_end = TRY(raised(failure.write_end));
  failure.write_end.reset();
  const Start start{.binary = binary.get(),
                    .null = null.get(),
                    .log = log.get(),
                    .listener = raised_listener.get(),
                    .failure = failure_end.get(),
                    .cgroup = program.cgroup,
                    .mounts = mounts.get(),
                    .role = program.role.c_str(),
                    .directory = program.directory.c_str()};
  // No exit signal: the daemon's handling of SIGCHLD and its waits never see this child.
  clone_args args{};
  const long pid = sys_clone3(&args);
  if (pid == 0) start_grandchild(start);
  if (pid < 0) return errno_error(errno, "clone for the " + program.role);
  failure_end.reset();
  while (::waitpid(static_cast<pid_t>(pid), nullptr, __WALL) < 0 && errno == EINTR) {
  }
  int failed = 0;
  if (::read(failure.read_end.get(), &failed, sizeof failed) == sizeof failed)
    return errno_error(failed, "start " + program.role + " " + program.runtime_binary);
  return kOk;
}

Result<Fd> seal_executable(const std::string& path) {
  const Fd source = TRY(open_path(path, O_RDONLY));
  struct stat status {};
  if (::fstat(source.get(), &status) != 0) return errno_error(errno, "stat " + path);
  Fd copy(::memfd_create("cella-runtime", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC));
  // Before 6.3 every memfd was executable and the flag unknown.
  if (!copy && errno == EINVAL) copy.reset(::memfd_create("cella-runtime", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!copy) return errno_error(errno, "create memory file for " + path);
  for (off_t done = 0; done < status.st_size;) {
    const ssize_t count =
        ::sendfile(copy.get(), source.get(), nullptr, static_cast<std::size_t>(status.st_size - done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(errno, "copy " + path);
    if (count == 0) return Error(ErrorKind::kIo, "copy " + path + ": it shrank");
    done += count;
  }
  if (::fchmod(copy.get(), 0500) != 0) return errno_error(errno, "make the copy of " + path + " executable");
  if (::fcntl(copy.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
    return errno_error(errno, "seal the copy of " + path);
  // The sealed file is executed by a read-only descriptor: a writable one would make execve answer ETXTBSY.
  return open_path("/proc/self/fd/" + std::to_string(copy.get()), O_RDONLY);
}

Result<Fd> connect_keeper(const KeeperOptions& options) {
  const std::string path = options.cella_dir + "/keeper.socket";
  TRY(make_dirs(options.cella_dir + "/keeper", 0700));
  const Fd lock = TRY(open_path(options.cella_dir + "/keeper/lock", O_RDWR | O_CREAT, 0600));
  while (::flock(lock.get(), LOCK_EX) != 0)
    if (errno != EINTR) return errno_error(errno, "lock " + options.cella_dir + "/keeper/lock");
  Result<Fd> socket = connect_seqpacket(path);
  if (socket || !nobody_listens(socket.error())) return socket;
  const Fd listener = TRY(listen_seqpacket(path));
  // Connected before the keeper runs: the connection waits in the socket's queue, and nobody has to wait for a start.
  socket = connect_seqpacket(path);
  if (socket) {
    TRY(start_program({.role = "keeper",
                       .runtime_binary = options.runtime_binary,
                       .directory = options.cella_dir,
                       .log = log_path(options),
                       .cgroup = options.cgroup},
                      listener));
  }
  return socket;
}

std::string last_words(const KeeperOptions& options) {
  Result<std::string> log = read_file(log_path(options), 64 * 1024);
  if (!log) return {};
  while (log->ends_with('\n')) log->pop_back();
  const std::size_t newline = log->rfind('\n');
  return newline == std::string::npos ? *log : log->substr(newline + 1);
}

}  // namespace cella::runtime
