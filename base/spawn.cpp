#include "base/spawn.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/syscalls.h"

namespace cella {
namespace {

constexpr const char* kSearchPath[] = {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/", "/usr/local/sbin/", "/usr/local/bin/"};
constexpr std::size_t kMaxOutput = 1u << 20;

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> list;
  list.reserve(strings.size() + 1);
  for (std::string& text : strings) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// Runs in the vforked child: only system calls, no allocation.
[[noreturn]] void become(const char* path, char* const* argv, char* const* envp, const int (&standard)[3],
                         int status_pipe) noexcept {
  sigset_t none;
  sigemptyset(&none);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setsid();
  for (int target = 0; target < 3; ++target) {
    // fcntl first: a source below 3 would be overwritten by an earlier dup2.
    if (::dup2(standard[target], target) < 0) {
      const int failed = errno;
      (void)!::write(status_pipe, &failed, sizeof failed);
      ::_exit(127);
    }
  }
  sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
  ::execve(path, argv, envp);
  const int failed = errno;
  (void)!::write(status_pipe, &failed, sizeof failed);
  ::_exit(127);
}

struct Stream {
  Fd fd;
  std::string* text;
};

Result<void> drain(Stream& stream) {
  char buffer[16384];
  const ssize_t count = ::read(stream.fd.get(), buffer, sizeof buffer);
  if (count < 0) return errno == EINTR || errno == EAGAIN ? Result<void>(kOk) : errno_error(errno, "read program output");
  if (count == 0) stream.fd.reset();
  if (stream.text->size() < kMaxOutput) stream.text->append(buffer, static_cast<std::size_t>(count));
  return kOk;
}

// Feeds input and gathers both outputs at once, so that no full pipe can block the program.
Result<void> exchange(Fd& input_end, std::string_view input, Stream& out, Stream& err) {
  while (input_end || out.fd || err.fd) {
    pollfd polled[3] = {{input_end.get(), POLLOUT, 0}, {out.fd.get(), POLLIN, 0}, {err.fd.get(), POLLIN, 0}};
    if (::poll(polled, 3, -1) < 0 && errno != EINTR) return errno_error(errno, "poll program output");
    if (polled[0].revents != 0) {
      const ssize_t count = ::write(input_end.get(), input.data(), input.size());
      if (count > 0) input.remove_prefix(static_cast<std::size_t>(count));
      if (input.empty() || (count < 0 && errno != EAGAIN && errno != EINTR)) input_end.reset();
    }
    if (polled[1].revents != 0) TRY(drain(out));
    if (polled[2].revents != 0) TRY(drain(err));
  }
  return kOk;
}

std::string last_line(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const std::size_t newline = text.rfind('\n');
  return std::string(newline == std::string_view::npos ? text : text.substr(newline + 1));
}

}  // namespace

Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    if (::access(name.c_str(), X_OK) == 0) return name;
    return Error(ErrorKind::kNotFound, "program " + name + " is not installed");
  }
  for (const char* folder : kSearchPath) {
    std::string candidate = folder + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return Error(ErrorKind::kNotFound, "program " + name + " is not installed");
}

Result<Child> spawn(const Program& program) {
  std::string path = TRY(find_program(program.path));
  std::vector<std::string> arguments{program.path};
  arguments.insert(arguments.end(), program.arguments.begin(), program.arguments.end());
  std::vector<std::string> environment = program.environment;
  bool has_path = false;
  for (const std::string& variable : environment) has_path = has_path || variable.rfind("PATH=", 0) == 0;
  if (!has_path) environment.emplace_back("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);

  const Fd null = TRY(open_path("/dev/null", O_RDWR));
  // Copies above 2, so that dup2 in the child cannot overwrite one that is still needed.
  Fd copies[3];
  const int wanted[3] = {program.standard_input, program.standard_output, program.standard_error};
  int standard[3];
  for (int i = 0; i < 3; ++i) {
    const int source = wanted[i] < 0 ? null.get() : wanted[i];
    copies[i] = Fd(::fcntl(source, F_DUPFD_CLOEXEC, 3));
    if (!copies[i]) return errno_error(errno, "duplicate descriptor for " + path);
    standard[i] = copies[i].get();
  }
  Pipe status = TRY(make_pipe());

  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_PIDFD;
  args.exit_signal = SIGCHLD;
  args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  const long pid = sys_clone3(&args);
  if (pid < 0) return errno_error(errno, "clone for " + path);
  if (pid == 0) become(path.c_str(), argv.data(), envp.data(), standard, status.write_end.get());
  Child child{static_cast<pid_t>(pid), PidFd(pidfd)};
  status.write_end.reset();
  int failed = 0;
  if (::read(status.read_end.get(), &failed, sizeof failed) == sizeof failed) {
    (void)wait_child(child);
    return errno_error(failed, "execute " + path);
  }
  return child;
}

Result<int> wait_child(const Child& child) {
  int status = 0;
  while (::waitpid(child.pid, &status, __WALL) < 0) {
    if (errno != EINTR) return errno_error(errno, "wait for process " + std::to_string(child.pid));
  }
  return status;
}

Result<ProgramOutput> run_program(const Program& program, std::string_view input) {
  Pipe in = TRY(make_pipe());
  Pipe out = TRY(make_pipe());
  Pipe err = TRY(make_pipe());
  ProgramOutput output;
  Program wired = program;
  wired.standard_input = in.read_end.get();
  wired.standard_output = out.write_end.get();
  wired.standard_error = err.write_end.get();
  const Child child = TRY(spawn(wired));
  in.read_end.reset();
  out.write_end.reset();
  err.write_end.reset();
  if (input.empty()) in.write_end.reset();
  if (in.write_end) ::fcntl(in.write_end.get(), F_SETFL, O_NONBLOCK);
  Stream out_stream{std::move(out.read_end), &output.output};
  Stream err_stream{std::move(err.read_end), &output.errors};
  const Result<void> exchanged = exchange(in.write_end, input, out_stream, err_stream);
  output.wait_status = TRY(wait_child(child));
  TRY(exchanged);
  return output;
}

Result<std::string> run_checked(const Program& program, std::string_view input) {
  ProgramOutput done = TRY_CONTEXT(program.path, run_program(program, input));
  if (WIFEXITED(done.wait_status) && WEXITSTATUS(done.wait_status) == 0) return std::move(done.output);
  const std::string status = WIFEXITED(done.wait_status) ? "exit status " + std::to_string(WEXITSTATUS(done.wait_status))
                                                         : "signal " + std::to_string(WTERMSIG(done.wait_status));
  return Error(ErrorKind::kIo, program.path + " failed with " + status + ": " + last_line(done.errors));
}

}  // namespace cella
