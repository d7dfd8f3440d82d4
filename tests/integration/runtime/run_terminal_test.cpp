// `cella-runtime run --tty` on a terminal of its own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>

#include "base/syscalls.h"
#include "tests/integration/runtime/run_container.h"

namespace cella::runtime::test {
namespace {

class RunTerminal : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    before_ = host_state();
    master_ = Fd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_EQ(::grantpt(master_.get()), 0);
    ASSERT_EQ(::unlockpt(master_.get()), 0);
    slave_ = Fd(::ioctl(master_.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(slave_.valid());
    resize(40, 120);
  }
  void TearDown() override {
    if (IsSkipped()) return;
    EXPECT_EQ(host_state(), before_) << "something was left over";
  }

  void resize(unsigned short rows, unsigned short columns) {
    winsize size{};
    size.ws_row = rows;
    size.ws_col = columns;
    ASSERT_EQ(::ioctl(master_.get(), TIOCSWINSZ, &size), 0);
  }

  Child start(const std::vector<std::string>& command) {
    Program program = root_.program({"--tty"}, command);
    program.standard_input = program.standard_output = program.standard_error = slave_.get();
    auto child = spawn(program);
    EXPECT_TRUE(child.ok());
    return std::move(child).value();
  }

  // Everything up to and including `text`.
  std::string read_until(const std::string& text) {
    std::string seen;
    char chunk[256];
    while (seen.find(text) == std::string::npos) {
      const ssize_t length = ::read(master_.get(), chunk, sizeof chunk);
      if (length <= 0) break;
      seen.append(chunk, static_cast<std::size_t>(length));
    }
    return seen;
  }

  static int status_of(const Child& child) {
    const int status = wait_child(child).value();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

  ProbeRoot root_;
  HostState before_;
  Fd master_;
  Fd slave_;
};

TEST_F(RunTerminal, GivesAControllingTerminalOfTheSameSize) {
  const Child child = start({"/probe", "tty"});
  const std::string seen = read_until("pgrp");
  EXPECT_NE(seen.find("tty /dev/pts/0 40 120 pgrp"), std::string::npos) << seen;
  EXPECT_EQ(status_of(child), 0);
}

TEST_F(RunTerminal, FollowsTheTerminalsSize) {
  const Child child = start({"/probe", "trap", "28"});
  read_until("ready");
  resize(50, 60);
  // The terminal is not the controlling one of `run` here, so that the kernel does not signal it.
  EXPECT_EQ(sys_pidfd_send_signal(child.pidfd.get(), SIGWINCH, nullptr, 0), 0);
  EXPECT_EQ(status_of(child), 40 + SIGWINCH);
}

TEST_F(RunTerminal, PassesTypedInterruptsIn) {
  const Child child = start({"/probe", "trap", "2"});
  read_until("ready");
  ASSERT_EQ(::write(master_.get(), "\x03", 1), 1);
  EXPECT_EQ(status_of(child), 40 + SIGINT);
}

TEST_F(RunTerminal, RestoresTheTerminalsModes) {
  termios before{};
  ASSERT_EQ(::tcgetattr(slave_.get(), &before), 0);
  const Child child = start({"/probe", "trap", "15"});
  read_until("ready");
  termios during{};
  ASSERT_EQ(::tcgetattr(slave_.get(), &during), 0);
  EXPECT_EQ(during.c_lflag & (ECHO | ICANON | ISIG), 0u);
  sys_pidfd_send_signal(child.pidfd.get(), SIGTERM, nullptr, 0);
  EXPECT_EQ(status_of(child), 40 + SIGTERM);
  termios after{};
  ASSERT_EQ(::tcgetattr(slave_.get(), &after), 0);
  EXPECT_EQ(after.c_lflag, before.c_lflag);
  EXPECT_EQ(after.c_iflag, before.c_iflag);
  EXPECT_EQ(after.c_oflag, before.c_oflag);
}

}  // namespace
}  // namespace cella::runtime::test
