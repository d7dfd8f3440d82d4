// The device program of `cella-runtime run`, on the real kernel.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cerrno>

#include "tests/integration/runtime/run_container.h"

namespace cella::runtime::test {
namespace {

TEST(RunDevices, AreRefusedUnlessTheProgramIsLeftOut) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  // loop-control, which everybody may open by this node's mode, and which cannot be written to.
  const ProbeRoot root;
  const std::string node = root.path() + "/node";
  ASSERT_EQ(::mknod(node.c_str(), S_IFCHR | 0666, makedev(10, 237)), 0);
  ASSERT_EQ(::chmod(node.c_str(), 0666), 0);
  EXPECT_EQ(root.run({}, {"/probe", "write", "/node", "x"}).output, std::to_string(EPERM) + "\n");
  EXPECT_EQ(root.run({"--devices", "any"}, {"/probe", "write", "/node", "x"}).output, std::to_string(EINVAL) + "\n");
}

}  // namespace
}  // namespace cella::runtime::test
