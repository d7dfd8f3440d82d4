#include "runtime/console_pty.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <cerrno>

#include "base/syscalls.h"
#include "namespaces/mount_apply.h"

namespace cella::runtime {
namespace {

using namespaces::open_target;
using namespaces::TargetLinks;

int open_ptmx(int root) noexcept {
  open_how how{};
  how.flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  return sys_openat2(root, "dev/pts/ptmx", &how);
}

int bind_on_console(int root, int slave) noexcept {
  const int target = open_target(root, "dev/console", TargetLinks::kRefuse);
  if (target < 0) return errno;
  int failed = 0;
  const int mount = sys_open_tree(slave, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  if (mount < 0 || sys_move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    failed = errno;
  if (mount >= 0) ::close(mount);
  ::close(target);
  return failed;
}

int unlock_and_size(int master, std::uint16_t rows, std::uint16_t columns) noexcept {
  int unlocked = 0;
  if (::ioctl(master, TIOCSPTLCK, &unlocked) != 0) return errno;
  if (rows == 0 && columns == 0) return 0;
  winsize size{};
  size.ws_row = rows;
  size.ws_col = columns;
  return ::ioctl(master, TIOCSWINSZ, &size) == 0 ? 0 : errno;
}

}  // namespace

ConsolePty make_pty(int root, std::uint16_t rows, std::uint16_t columns) noexcept {
  ConsolePty pty;
  pty.master = open_ptmx(root);
  if (pty.master < 0) return {.errno_value = errno};
  pty.errno_value = unlock_and_size(pty.master, rows, columns);
  if (pty.errno_value == 0) {
    pty.slave = ::ioctl(pty.master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (pty.slave < 0) pty.errno_value = errno;
  }
  if (pty.errno_value == 0) return pty;
  ::close(pty.master);
  return {.errno_value = pty.errno_value};
}

ConsolePty make_console(int root, std::uint16_t rows, std::uint16_t columns) noexcept {
  ConsolePty pty = make_pty(root, rows, columns);
  if (pty.errno_value == 0) pty.errno_value = bind_on_console(root, pty.slave);
  return pty;
}

int adopt_terminal(int slave) noexcept {
  if (::setsid() < 0) return errno;
  if (::ioctl(slave, TIOCSCTTY, 0) != 0) return errno;
  for (int standard = 0; standard < 3; ++standard)
    if (::dup2(slave, standard) < 0) return errno;
  return 0;
}

}  // namespace cella::runtime
