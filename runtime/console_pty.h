// A container's console: a pty of the container's own devpts. Runs after clone: no allocation.
#pragma once

#include <cstdint>

namespace cella::runtime {

struct ConsolePty {
  int errno_value = 0;  // 0: success
  int master = -1;
  int slave = -1;
};

// Makes a pty in the devpts at /dev/pts of `root` and binds its slave on /dev/console. No name of the container is
// trusted: the slave comes from the master by TIOCGPTPEER, and the mount from the slave's descriptor (CVE-2025-52565).
// rows, columns: first window size, 0 for unset.
ConsolePty make_console(int root, std::uint16_t rows, std::uint16_t columns) noexcept;

// Makes a pty in the devpts at /dev/pts of `root` without binding it anywhere (exec with a terminal).
ConsolePty make_pty(int root, std::uint16_t rows, std::uint16_t columns) noexcept;

// Makes the calling process the leader of a new session with `slave` as controlling terminal and as 0, 1, 2.
// 0 or an errno. The slave descriptor itself stays open.
int adopt_terminal(int slave) noexcept;

}  // namespace cella::runtime
