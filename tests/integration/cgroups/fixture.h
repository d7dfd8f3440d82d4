// A cgroup of its own for each test on the real kernel, and child processes that live in it.
#pragma once

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "base/syscalls.h"
#include "cgroups/freeze.h"
#include "cgroups/hierarchy.h"

namespace cella::cgroups {

inline constexpr std::chrono::milliseconds kPatience{5000};

// A process born in a cgroup (clone3 INTO_CGROUP). Killed and reaped on destruction.
class Resident {
 public:
  // body: runs in the child; what it returns is its exit status.
  Resident(const Cgroup& cgroup, const std::function<int()>& body) {
    clone_args args{};
    int pidfd = -1;
    args.flags = CLONE_INTO_CGROUP | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    args.cgroup = static_cast<std::uint64_t>(cgroup.dir().get());
    pid_ = static_cast<pid_t>(sys_clone3(&args));
    if (pid_ == 0) ::_exit(body());
    if (pid_ < 0) error_ = errno;
    pidfd_ = PidFd(pidfd);
  }
  Resident(Resident&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), error_(other.error_), pidfd_(std::move(other.pidfd_)) {}
  Resident& operator=(Resident&&) = delete;
  ~Resident() {
    if (pid_ <= 0) return;
    (void)sys_pidfd_send_signal(pidfd_.get(), SIGKILL, nullptr, 0);
    (void)wait();
  }

  pid_t pid() const { return pid_; }
  int error() const { return error_; }
  // The status in waitpid(2) format.
  int wait() {
    int status = -1;
    while (::waitpid(std::exchange(pid_, -1), &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }

 private:
  pid_t pid_ = -1;
  int error_ = 0;
  PidFd pidfd_;
};

inline int pause_for_ever() {
  for (;;) ::pause();
}

class OnRealKernel : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    auto found = Hierarchy::find();
    ASSERT_TRUE(found) << found.error().message();
    hierarchy_.emplace(std::move(found).value());
    ASSERT_TRUE(hierarchy_->enable_all());
    name_ = "cella-test." + std::to_string(::getpid());
    auto made = hierarchy_->create(name_);
    ASSERT_TRUE(made) << made.error().message();
    cgroup_.emplace(std::move(made).value());
  }
  void TearDown() override {
    if (!cgroup_) return;
    (void)kill_all(*cgroup_, kPatience).ok();
    const auto gone = hierarchy_->destroy(name_, kPatience);
    EXPECT_TRUE(gone) << gone.error().message();
    EXPECT_EQ(hierarchy_->open_cgroup(name_).error().kind(), ErrorKind::kNotFound);
  }
  bool has(Controller controller) const { return hierarchy_->root().subtree_control().value().has(controller); }

  std::optional<Hierarchy> hierarchy_;
  std::optional<Cgroup> cgroup_;
  std::string name_;
};

}  // namespace cella::cgroups

// A controller that a hybrid host keeps on v1 cannot be tested there; the VM lane has them all.
#define SKIP_WITHOUT(controller) \
  if (!has(controller)) GTEST_SKIP() << "no " << controller_name(controller) << " controller in cgroup v2 here"
