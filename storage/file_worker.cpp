#include "storage/file_worker.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <thread>

#include "base/seqpacket.h"
#include "base/syscalls.h"
#include "storage/sftp_server.h"
#include "storage/worker_confinement.h"

namespace cella::storage {
namespace {

constexpr int kStartTimeoutMs = 10000;
constexpr rlim_t kOpenFiles = 4096;
constexpr std::size_t kMaxReport = 4096;

// Reads exactly size bytes; false at the end of the stream or when it is broken.
bool read_exactly(const Fd& socket, char* into, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::read(socket.get(), into, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    into += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

bool send_all(const Fd& socket, std::string_view data) {
  while (!data.empty()) {
    const ssize_t count = ::send(socket.get(), data.data(), data.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    data.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void serve(const Fd& root, Fd session) {
  SftpServer server(root);
  std::string packet;
  for (;;) {
    std::array<char, 4> head;
    if (!read_exactly(session, head.data(), head.size())) return;
    std::uint32_t length = 0;
    for (const char byte : head) length = length << 8 | static_cast<unsigned char>(byte);
    if (length == 0 || length > kMaxSftpPacket) return;
    packet.resize(length);
    if (!read_exactly(session, packet.data(), length)) return;
    const Result<std::string> answer = server.answer(packet);
    if (!answer.ok() || !send_all(session, *answer)) return;
  }
}

Result<Fd> enter(const FileWorkerTarget& target) {
  ::umask(0);
  TRY(limit_resource(RLIMIT_CORE, 0, "core"));
  TRY(limit_resource(RLIMIT_NOFILE, kOpenFiles, "nofile"));
  TRY(target.process != nullptr ? join_process(*target.process) : enter_tree(*target.root, *target.user_namespace));
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno_error(errno, "prctl DUMPABLE");
  Fd root = TRY(open_path("/", O_PATH | O_DIRECTORY));
  TRY(keep_file_capabilities());
  TRY(forbid_calls(WorkerThreads::kMany));
  return root;
}

void report(const Fd& control, const Result<Fd>& root) {
  std::string text = "ok";
  if (!root.ok()) text = std::to_string(root.error().errno_value()) + " " + root.error().what();
  static_cast<void>(send_datagram(control, text));
}

// No PDEATHSIG: it would kill when the thread that forked ends, and that one may serve a single request. The end of the
// control socket says the same of the whole daemon.
[[noreturn]] void run_child(const FileWorkerTarget& target, const Fd& control) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  const std::array<int, 4> kept{control.get(), target.process != nullptr ? target.process->get() : control.get(),
                                target.root != nullptr ? target.root->get() : control.get(),
                                target.user_namespace != nullptr ? target.user_namespace->get() : control.get()};
  close_all_but(kept);
  const Result<Fd> root = enter(target);
  report(control, root);
  if (!root.ok()) ::_exit(1);
  // The process ends with the first failure here: its owner is gone or has nothing more to ask.
  for (;;) {
    Result<Datagram> request = receive_datagram(control, 16);
    if (!request.ok() || request->descriptors.empty()) ::_exit(0);
    std::thread([&root, session = std::move(request->descriptors.front())]() mutable {
      try {
        serve(*root, std::move(session));
      } catch (const std::exception&) {
        // Out of memory: the session's socket closes, and that is what its client sees.
        return;
      }
    }).detach();
  }
}

Result<void> await_report(const Fd& control) {
  pollfd waiting{control.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, kStartTimeoutMs);
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return errno_error(errno, "poll file worker");
  if (ready == 0) return Error(ErrorKind::kTimeout, "file worker does not answer");
  const Datagram answer = TRY(receive_datagram(control, kMaxReport));
  if (answer.bytes == "ok") return kOk;
  if (answer.bytes.empty()) return Error(ErrorKind::kIo, "file worker died while it started");
  const std::size_t space = std::min(answer.bytes.find(' '), answer.bytes.size());
  int number = 0;
  static_cast<void>(std::from_chars(answer.bytes.data(), answer.bytes.data() + space, number));
  const std::string text = answer.bytes.substr(std::min(space + 1, answer.bytes.size()));
  return number > 0 ? errno_error(number, text) : Error(ErrorKind::kIo, text);
}

}  // namespace

Result<FileWorker> FileWorker::start(const FileWorkerTarget& target) {
  SocketPair pair = TRY(make_seqpacket_pair());
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error(errno, "fork file worker");
  if (pid == 0) run_child(target, pair.second);
  FileWorker worker(pid, std::move(pair.first));
  pair.second.reset();
  TRY(await_report(worker.control_));
  return worker;
}

FileWorker::~FileWorker() {
  if (pid_ <= 0) return;
  // The pid is our unreaped child's: it cannot mean anyone else.
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<Fd> FileWorker::open_session() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return errno_error(errno, "socketpair");
  Fd ours(ends[0]);
  const Fd theirs(ends[1]);
  const int passed[] = {theirs.get()};
  TRY_CONTEXT("file worker", send_datagram(control_, "session", passed));
  return ours;
}

}  // namespace cella::storage
