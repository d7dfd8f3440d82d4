#include "tests/support/user_namespace.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/files.h"
#include "base/syscalls.h"

namespace cella::test {
namespace {

Result<Fd> map_and_open(const std::string& process) {
  TRY(write_kernel_file(process + "/uid_map", "0 1000000 65536\n"));
  TRY(write_kernel_file(process + "/gid_map", "0 1000000 65536\n"));
  return open_path(process + "/ns/user", O_RDONLY);
}

}  // namespace

Result<Fd> make_user_namespace() {
  clone_args args{};
  args.flags = CLONE_NEWUSER;
  args.exit_signal = SIGCHLD;
  const long child = sys_clone3(&args);
  if (child < 0) return errno_error(errno, "clone3 user namespace");
  if (child == 0)
    while (true) ::pause();
  auto opened = map_and_open("/proc/" + std::to_string(child));
  ::kill(static_cast<pid_t>(child), SIGKILL);
  ::waitpid(static_cast<pid_t>(child), nullptr, 0);
  return opened;
}

}  // namespace cella::test
