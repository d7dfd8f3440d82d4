// The device program in the kernel: on every host, also where all controllers are on v1.
#include "cgroups/device_filter.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "fixture.h"

namespace cella::cgroups {
namespace {

class DeviceFilterTest : public OnRealKernel {
 protected:
  void SetUp() override {
    OnRealKernel::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    char name[] = "/dev/shm/cella-devices.XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    ASSERT_EQ(::mknod(node("zero").c_str(), S_IFCHR | 0600, makedev(1, 5)), 0);
    ASSERT_EQ(::mknod(node("kmsg").c_str(), S_IFCHR | 0600, makedev(1, 11)), 0);
  }
  void TearDown() override {
    for (const char* name : {"zero", "kmsg", "made"}) (void)::unlink(node(name).c_str());
    if (!directory_.empty()) (void)::rmdir(directory_.c_str());
    OnRealKernel::TearDown();
  }
  std::string node(const std::string& name) const { return directory_ + "/" + name; }

  // errno of opening a node from inside the cgroup, 0 when it worked.
  int open_inside(const std::string& name, int flags) {
    const std::string path = node(name);
    Resident resident(*cgroup_, [&] { return ::open(path.c_str(), flags | O_CLOEXEC) < 0 ? errno : 0; });
    return WEXITSTATUS(resident.wait());
  }
  std::string directory_;
};

TEST_F(DeviceFilterTest, AllowsDefaultNodesAndRefusesOthers) {
  ASSERT_EQ(open_inside("kmsg", O_RDONLY), 0) << "without a filter root may open it";
  const auto filter = DeviceFilter::load(default_device_rules());
  ASSERT_TRUE(filter) << filter.error().message();
  const auto attached = filter->attach(*cgroup_);
  ASSERT_TRUE(attached) << attached.error().message();
  EXPECT_EQ(open_inside("zero", O_RDWR), 0);
  EXPECT_EQ(open_inside("kmsg", O_RDONLY), EPERM);
  EXPECT_EQ(open_inside("kmsg", O_WRONLY), EPERM);
}

TEST_F(DeviceFilterTest, AllowsMknodOfAnything) {
  ASSERT_TRUE(DeviceFilter::load(default_device_rules())->attach(*cgroup_));
  const std::string path = node("made");
  Resident resident(*cgroup_, [&] { return ::mknod(path.c_str(), S_IFBLK | 0600, makedev(8, 0)) != 0 ? errno : 0; });
  EXPECT_EQ(WEXITSTATUS(resident.wait()), 0);
  EXPECT_EQ(open_inside("made", O_RDONLY), EPERM);
}

TEST_F(DeviceFilterTest, HoldsForCgroupsBelow) {
  ASSERT_TRUE(DeviceFilter::load(default_device_rules())->attach(*cgroup_));
  const Cgroup leaf = cgroup_->create_child("leaf").value();
  const std::string path = node("kmsg");
  Resident resident(leaf, [&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC) < 0 ? errno : 0; });
  EXPECT_EQ(WEXITSTATUS(resident.wait()), EPERM);
}

TEST_F(DeviceFilterTest, ChangedRulesReplaceTheOldProgram) {
  auto rules = default_device_rules();
  ASSERT_TRUE(DeviceFilter::load(rules)->attach(*cgroup_));
  EXPECT_EQ(count_device_filters(*cgroup_).value(), 1);
  rules.push_back(parse_device_rule("test", "c 1:11 r").value());
  ASSERT_TRUE(DeviceFilter::load(rules)->attach(*cgroup_));
  EXPECT_EQ(count_device_filters(*cgroup_).value(), 1);
  EXPECT_EQ(open_inside("kmsg", O_RDONLY), 0);
  EXPECT_EQ(open_inside("kmsg", O_WRONLY), EPERM);
  ASSERT_TRUE(DeviceFilter::load(default_device_rules())->attach(*cgroup_));
  EXPECT_EQ(count_device_filters(*cgroup_).value(), 1);
  EXPECT_EQ(open_inside("kmsg", O_RDONLY), EPERM);
}

TEST_F(DeviceFilterTest, TheSameProgramTwiceIsOne) {
  const auto filter = DeviceFilter::load(default_device_rules());
  ASSERT_TRUE(filter);
  ASSERT_TRUE(filter->attach(*cgroup_));
  ASSERT_TRUE(filter->attach(*cgroup_));
  ASSERT_TRUE(DeviceFilter::load(default_device_rules())->attach(*cgroup_));
  EXPECT_EQ(count_device_filters(*cgroup_).value(), 1);
}

TEST_F(DeviceFilterTest, OneFilterServesManyCgroups) {
  const auto filter = DeviceFilter::load(default_device_rules());
  ASSERT_TRUE(filter);
  for (const char* name : {"a", "b"}) {
    const Cgroup child = cgroup_->create_child(name).value();
    ASSERT_TRUE(filter->attach(child));
    EXPECT_EQ(count_device_filters(child).value(), 1);
  }
}

TEST_F(DeviceFilterTest, TheKernelTakesAnEmptyListAndALongOne) {
  EXPECT_TRUE(DeviceFilter::load({}));
  std::vector<DeviceRule> many;
  for (std::uint32_t minor = 0; minor < 500; ++minor) many.push_back({DeviceType::kBlock, 8, minor, kFullAccess});
  EXPECT_TRUE(DeviceFilter::load(many));
  const DeviceRule all{.access = kFullAccess};
  EXPECT_TRUE(DeviceFilter::load({all}));
  EXPECT_TRUE(DeviceFilter::load({all, all, {DeviceType::kBlock, {}, 7, kMakeNode}}));
}

}  // namespace
}  // namespace cella::cgroups
