// The throw-away overlay by both ways of naming layers; the second is what kernels before 6.13 take.
#include "runtime/run_overlay.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/files.h"
#include "base/syscalls.h"
#include "tests/integration/runtime/run_container.h"
#include "tests/support/user_namespace.h"

namespace cella::runtime::test {
namespace {

constexpr HostId kRoot{1000000};

bool overlay_works(const std::string& root, LayerNames names) {
  const auto lower = open_path(root, O_PATH | O_DIRECTORY);
  const auto user_namespace = cella::test::make_user_namespace();
  const auto mount = make_throw_away_overlay(*lower, *user_namespace,
                                             {.root_user = kRoot, .root_group = kRoot, .names = names}, "--rootfs");
  if (!mount.ok()) {
    std::fprintf(stderr, "%s\n", mount.error().message().c_str());
    return false;
  }
  struct stat status {};
  const bool lower_shows = ::fstatat(mount->get(), "probe", &status, 0) == 0 && status.st_uid == kRoot.value;
  // As the container's root would: the host's root has no mapped id to write with.
  const bool is_root = ::setresgid(kRoot.value, kRoot.value, kRoot.value) == 0 &&
                       ::setresuid(kRoot.value, kRoot.value, kRoot.value) == 0;
  const Fd made(::openat(mount->get(), "made", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  const bool copied_up = ::fchmodat(mount->get(), "probe", 0700, 0) == 0;
  return lower_shows && is_root && made.valid() && copied_up;
}

// In a process of its own: naming by paths takes a mount namespace, and writing takes other ids.
bool in_child(const std::string& root, LayerNames names) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(overlay_works(root, names) ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status == 0;
}

class RunOverlay : public ::testing::TestWithParam<LayerNames> {};

TEST_P(RunOverlay, IsWritableAndLeavesTheLowerLayerAlone) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const HostState before = host_state();
  const ProbeRoot root;
  EXPECT_TRUE(in_child(root.path(), GetParam()));
  EXPECT_FALSE(path_exists(root.path() + "/made"));
  struct stat status {};
  ASSERT_EQ(::stat((root.path() + "/probe").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0755u);
  EXPECT_EQ(host_state(), before);
}

INSTANTIATE_TEST_SUITE_P(Names, RunOverlay, ::testing::Values(LayerNames::kDescriptors, LayerNames::kPaths),
                         [](const auto& test) {
                           return test.param == LayerNames::kPaths ? std::string("Paths") : std::string("Descriptors");
                         });

}  // namespace
}  // namespace cella::runtime::test
