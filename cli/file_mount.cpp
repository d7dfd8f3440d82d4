// file mount: a directory of an instance on this machine, by sshfs over the server's SFTP.
#include <sys/socket.h>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "base/files.h"
#include "base/spawn.h"
#include "base/syscalls.h"
#include "cli/file_target.h"
#include "cli/file_verbs.h"
#include "cli/object.h"
#include "cli/streams.h"

namespace cella::cli {
namespace {

struct SocketPair {
  Fd ours;
  Fd theirs;
};

Result<SocketPair> make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return errno_error(errno, "socketpair");
  return SocketPair{Fd(ends[0]), Fd(ends[1])};
}

// It unmounts, and ends.
void stop(const Child& sshfs) { (void)sys_pidfd_send_signal(sshfs.pidfd.get(), SIGTERM, nullptr, 0); }

Result<Child> start_sshfs(const FileTarget& source, const std::string& directory, Fd connection) {
  return spawn({.path = TRY(find_program("sshfs")),
                .arguments = {"-f", "-o", "passive", source.instance + ":" + source.path, directory},
                .environment = {},
                .standard_input = connection.get(),
                .standard_output = connection.get(),
                .standard_error = 2});
}

// Runs until sshfs ends: unmounted, stopped by a signal, or because the server went away.
Result<int> mount_with_sshfs(Server& server, const FileTarget& source, const std::string& directory) {
  const BlockedSignals signals({SIGINT, SIGTERM, SIGHUP});
  api::Client* const client = TRY(server.client());
  SocketPair pair = TRY(make_socket_pair());
  const Child sshfs = TRY(start_sshfs(source, directory, std::move(pair.theirs)));
  std::atomic<bool> stopped = false;
  const auto on_signal = [&](int) {
    stopped = true;
    stop(sshfs);
  };
  const auto pump = TRY(InputPump::start(-1, TRY(signals.descriptor()), {.data = {}, .end = {}, .signal = on_signal}));
  say(server,
      "sshfs mounting \"" + source.instance + source.path + "\" on \"" + directory + "\"\nPress ctrl+c to finish");
  std::fflush(stdout);
  const auto moved = client->tunnel(url({"instances", source.instance, "sftp"}), "sftp", std::move(pair.ours));
  if (!moved.ok()) stop(sshfs);
  const int status = TRY(wait_child(sshfs));
  TRY(moved);
  // Stopped by a signal it ends with a failure's status.
  if (!stopped && status != 0) return Error(ErrorKind::kIo, "sshfs failed, see above");
  say(server, "sshfs has stopped");
  return 0;
}

Result<int> run(Server& server, const Arguments& arguments) {
  if (arguments.has("listen") || arguments.has("no-auth") || arguments.has("auth-user") || arguments.words.size() < 2) {
    return Error(ErrorKind::kUnsupported,
                 "cella has no SSH listener: name the directory to mount on, and sshfs does it without one");
  }
  std::string word = arguments.word(0);
  if (word.find('/') == std::string::npos) word += '/';
  const FileTarget source = TRY(file_target(word));
  const std::string& directory = arguments.word(1);
  if (!open_dir(directory).ok()) return invalid_value("target path", directory, "is no directory");
  return mount_with_sshfs(server, source, directory);
}

}  // namespace

Command file_mount_command() {
  return {.name = "mount",
          .usage = "<instance>[/<path>] <target path>",
          .summary = "Mount a directory of an instance here (needs sshfs)",
          .examples = "cella file mount c1/root mnt",
          .flags = {{.name = "auth-user", .value = "user", .help = "Of the SSH listener, which cella does not have"},
                    {.name = "listen", .value = "address", .help = "Of the SSH listener, which cella does not have"},
                    {.name = "no-auth", .help = "Of the SSH listener, which cella does not have"}},
          .min_words = 1,
          .max_words = 2,
          .completes = {Names::kInstance, Names::kFile},
          .run = run};
}

}  // namespace cella::cli
