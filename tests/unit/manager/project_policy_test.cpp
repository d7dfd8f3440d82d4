// Every restricted key and limit by itself: what is refused, by which key, and what lets it through.
#include <gtest/gtest.h>

#include "manager/project_config.h"
#include "manager/project_policy.h"

namespace cella::manager {
namespace {

Project project_with(Config config) { return {"web", "", std::move(config), {}}; }
Project restricted(Config config = {}) {
  config["restricted"] = "true";
  return project_with(std::move(config));
}
Result<void> check_key(const Project& project, const std::string& key, const std::string& value) {
  return check_restrictions(project, "instance \"c1\"", {{{key, value}}, {}});
}
Result<void> check_device(const Project& project, const Device& device) {
  return check_restrictions(project, "instance \"c1\"", {{}, {{"d", device}}});
}

struct KeyCase {
  const char* key;
  const char* value;
  const char* restriction;  // that refuses it
  const char* lets_through;
};
const KeyCase kKeys[] = {
    {"security.nesting", "true", "restricted.containers.nesting", "allow"},
    {"security.privileged", "true", "restricted.containers.privilege", "allow"},
    {"security.syscalls.intercept.mknod", "true", "restricted.containers.interception", "allow"},
    {"security.syscalls.intercept.mount", "true", "restricted.containers.interception", "allow"},
    {"security.syscalls.intercept.setxattr", "perhaps", "restricted.containers.interception", "allow"},
    {"security.syscalls.intercept.mount.allowed", "ext4", "restricted.containers.lowlevel", "allow"},
    {"security.syscalls.deny", "mount", "restricted.containers.lowlevel", "allow"},
    {"boot.host_shutdown_timeout", "5", "restricted.containers.lowlevel", "allow"},
    {"linux.kernel_modules", "loop", "restricted.containers.lowlevel", "allow"},
    {"raw.lxc", "x", "restricted.containers.lowlevel", "allow"},
    {"raw.apparmor", "x", "restricted.containers.lowlevel", "allow"},
    {"raw.seccomp", "x", "restricted.containers.lowlevel", "allow"},
    {"security.idmap.base", "100000", "restricted.containers.lowlevel", "allow"},
    {"security.idmap.size", "65536", "restricted.containers.lowlevel", "allow"},
    {"security.devlxd.images", "true", "restricted.containers.lowlevel", "allow"},
    {"security.devlxd", "", nullptr, nullptr},
    {"raw.idmap", "both 1000 1000", "restricted.idmap.uid", "1000-1001"},
    {"raw.idmap", "gid 1000 1000", "restricted.idmap.gid", "1000"},
    {"some.key.of.tomorrow", "x", "restricted.containers.lowlevel", "allow"},
    {"security.nesting", "false", nullptr, nullptr},
    {"security.idmap.isolated", "true", nullptr, nullptr},
    {"user.x", "y", nullptr, nullptr},
    {"limits.memory", "1GiB", nullptr, nullptr},
    {"environment.A", "b", nullptr, nullptr},
    {"cloud-init.user-data", "x", nullptr, nullptr},
};

TEST(ProjectPolicy, HoldsEveryKeyAgainstItsRestriction) {
  for (const KeyCase& each : kKeys) {
    SCOPED_TRACE(std::string(each.key) + "=" + each.value);
    EXPECT_TRUE(check_key(project_with({}), each.key, each.value).ok());
    const auto outcome = check_key(restricted(), each.key, each.value);
    if (each.restriction == nullptr) {
      EXPECT_TRUE(outcome.ok());
      continue;
    }
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().kind(), ErrorKind::kDenied);
    EXPECT_NE(outcome.error().message().find(each.restriction), std::string::npos) << outcome.error().message();
    EXPECT_NE(outcome.error().message().find(each.key), std::string::npos) << outcome.error().message();
    // An empty value is no permission, and neither is the default written out.
    EXPECT_FALSE(check_key(restricted({{each.restriction, ""}}), each.key, each.value).ok());
    if (std::string(each.lets_through) == "allow") {
      EXPECT_FALSE(check_key(restricted({{each.restriction, "block"}}), each.key, each.value).ok());
    }
    Config allowing{{"restricted.idmap.gid", "1000-1001"}};
    allowing[each.restriction] = each.lets_through;
    EXPECT_TRUE(check_key(restricted(allowing), each.key, each.value).ok());
  }
}

TEST(ProjectPolicy, AsksForIsolationWhereOnlyIsolatedInstancesMayBe) {
  EXPECT_TRUE(check_key(restricted(), "security.idmap.isolated", "false").ok());
  EXPECT_FALSE(check_key(restricted({{"restricted.containers.privilege", "isolated"}}), "security.idmap.isolated",
                         "false")
                   .ok());
  EXPECT_FALSE(
      check_key(restricted({{"restricted.containers.privilege", "isolated"}}), "security.privileged", "1").ok());
}

struct DeviceCase {
  Device device;
  const char* restriction;
  const char* lets_through;  // nullptr: nothing has to
};

TEST(ProjectPolicy, HoldsEveryDeviceAgainstItsRestriction) {
  const DeviceCase cases[] = {
      {{{"type", "disk"}, {"path", "/"}, {"pool", "p"}}, nullptr, nullptr},
      {{{"type", "disk"}, {"path", "/data"}, {"pool", "p"}, {"source", "v"}}, nullptr, nullptr},
      {{{"type", "disk"}, {"path", "/data"}, {"source", "/etc"}}, "restricted.devices.disk", "allow"},
      {{{"type", "nic"}, {"network", "br0"}}, nullptr, nullptr},
      {{{"type", "nic"}, {"nictype", "bridged"}, {"parent", "br0"}}, "restricted.devices.nic", "allow"},
      {{{"type", "nic"}, {"nictype", "p2p"}}, "restricted.devices.nic", "allow"},
      {{{"type", "nic"}, {"nictype", "physical"}, {"parent", "eth0"}}, "restricted.devices.nic", "allow"},
      {{{"type", "proxy"}}, "restricted.devices.proxy", "allow"},
      {{{"type", "unix-char"}}, "restricted.devices.unix-char", "allow"},
      {{{"type", "unix-block"}}, "restricted.devices.unix-block", "allow"},
      {{{"type", "unix-hotplug"}}, "restricted.devices.unix-hotplug", "allow"},
      {{{"type", "usb"}}, "restricted.devices.usb", "allow"},
      {{{"type", "gpu"}}, "restricted.devices.gpu", "allow"},
      {{{"type", "pci"}}, "restricted.devices.pci", "allow"},
      {{{"type", "infiniband"}}, "restricted.devices.infiniband", "allow"},
      {{{"type", "none"}}, nullptr, nullptr},
  };
  for (const DeviceCase& each : cases) {
    SCOPED_TRACE(each.device.at("type"));
    EXPECT_TRUE(check_device(project_with({}), each.device).ok());
    const auto outcome = check_device(restricted(), each.device);
    EXPECT_EQ(outcome.ok(), each.restriction == nullptr);
    if (each.restriction == nullptr) continue;
    EXPECT_NE(outcome.error().message().find(each.restriction), std::string::npos) << outcome.error().message();
    EXPECT_TRUE(check_device(restricted({{each.restriction, each.lets_through}}), each.device).ok());
  }
  EXPECT_FALSE(check_device(restricted(), {{"type", "of-tomorrow"}}).ok());
  // Blocked altogether, but for the root disk.
  EXPECT_FALSE(check_device(restricted({{"restricted.devices.disk", "block"}}), cases[1].device).ok());
  EXPECT_TRUE(check_device(restricted({{"restricted.devices.disk", "block"}}), cases[0].device).ok());
  EXPECT_FALSE(check_device(restricted({{"restricted.devices.nic", "block"}}), cases[3].device).ok());
}

TEST(ProjectPolicy, KeepsDisksBelowTheDirectoriesNamed) {
  const auto allows = [](const std::string& paths, const std::string& source) {
    const auto project = restricted({{"restricted.devices.disk", "allow"}, {"restricted.devices.disk.paths", paths}});
    return check_device(project, {{"type", "disk"}, {"path", "/data"}, {"source", source}}).ok();
  };
  for (const char* inside : {"/srv/web", "/srv/web/", "/srv/web/a/b", "/srv/web/a/../b", "/srv//web/./a", "/data/x"})
    EXPECT_TRUE(allows("/srv/web/, /data", inside)) << inside;
  for (const char* outside : {"/", "/srv", "/srv/website", "/srv/web/../etc", "/srv/web/a/../../..", "/etc", ""})
    EXPECT_FALSE(allows("/srv/web/, /data", outside)) << outside;
  EXPECT_TRUE(allows("", "/etc"));
  EXPECT_TRUE(allows("/", "/etc"));
  // A volume is no path.
  EXPECT_TRUE(check_device(restricted({{"restricted.devices.disk.paths", "/srv"}}),
                           {{"type", "disk"}, {"path", "/data"}, {"pool", "p"}, {"source", "v"}})
                  .ok());
}

TEST(ProjectPolicy, KeepsToTheNetworksNamed) {
  const auto project = restricted({{"restricted.networks.access", "br0, br1"}});
  EXPECT_TRUE(check_device(project, {{"type", "nic"}, {"network", "br1"}}).ok());
  EXPECT_FALSE(check_device(project, {{"type", "nic"}, {"network", "br2"}}).ok());
  const auto open = restricted({{"restricted.networks.access", "br0"}, {"restricted.devices.nic", "allow"}});
  EXPECT_TRUE(check_device(open, {{"type", "nic"}, {"nictype", "bridged"}, {"parent", "br0"}}).ok());
  EXPECT_FALSE(check_device(open, {{"type", "nic"}, {"nictype", "bridged"}, {"parent", "eth0"}}).ok());
  EXPECT_FALSE(check_device(open, {{"type", "nic"}, {"nictype", "p2p"}}).ok());
}

PolicyItem instance(const std::string& name, Config config, const std::string& size = "") {
  Expanded merged;
  merged.config = std::move(config);
  merged.devices["root"] = {{"type", "disk"}, {"path", "/"}, {"pool", "p"}, {"size", size}};
  return policy_item(name, merged);
}

TEST(ProjectPolicy, SumsWhatInstancesSayAndAsksEachForIt) {
  struct Case {
    const char* key;
    const char* limit;
    const char* each;  // twice fits, three times does not
  };
  for (const Case& each : {Case{"limits.memory", "2GiB", "1GiB"}, Case{"limits.cpu", "5", "2"},
                           Case{"limits.processes", "1000", "500"}}) {
    SCOPED_TRACE(each.key);
    const auto project = project_with({{each.key, each.limit}});
    const auto item = instance("a", {{each.key, each.each}});
    EXPECT_TRUE(check_limits(project, {}).ok());
    EXPECT_TRUE(check_limits(project, {item, item}).ok());
    const auto third = check_limits(project, {item, item, item});
    ASSERT_FALSE(third.ok());
    EXPECT_NE(third.error().message().find(each.key), std::string::npos);
    const auto unset = check_limits(project, {instance("b", {})});
    ASSERT_FALSE(unset.ok());
    EXPECT_NE(unset.error().message().find("\"b\""), std::string::npos);
  }
  const auto disk = project_with({{"limits.disk", "10GiB"}});
  EXPECT_TRUE(check_limits(disk, {instance("a", {}, "6GiB"), policy_item_of_volume("v", {{"size", "4GiB"}})}).ok());
  EXPECT_FALSE(check_limits(disk, {instance("a", {}, "6GiB"), policy_item_of_volume("v", {{"size", "5GiB"}})}).ok());
  EXPECT_FALSE(check_limits(disk, {policy_item_of_volume("v", {})}).ok());
  EXPECT_FALSE(check_limits(disk, {instance("a", {})}).ok());
  EXPECT_FALSE(check_limits(disk, {instance("a", {}, "7EiB"), instance("b", {}, "7EiB")}).ok()) << "overflow";
}

TEST(ProjectPolicy, RefusesWhatCannotBeSummed) {
  EXPECT_FALSE(
      check_limits(project_with({{"limits.memory", "1GiB"}}), {instance("a", {{"limits.memory", "10%"}})}).ok());
  EXPECT_FALSE(check_limits(project_with({{"limits.cpu", "4"}}), {instance("a", {{"limits.cpu", "0-1"}})}).ok());
  EXPECT_FALSE(check_limits(project_with({{"limits.cpu", "4"}}), {instance("a", {{"limits.cpu", "0,1"}})}).ok());
}

TEST(ProjectPolicy, CountsInstancesNotVolumes) {
  for (const char* key : {"limits.instances", "limits.containers"}) {
    const auto project = project_with({{key, "1"}});
    const auto volume = policy_item_of_volume("v", {});
    EXPECT_TRUE(check_limits(project, {instance("a", {}), volume, volume}).ok());
    EXPECT_FALSE(check_limits(project, {instance("a", {}), instance("b", {})}).ok());
  }
  EXPECT_FALSE(check_limits(project_with({{"limits.instances", "0"}}), {instance("a", {})}).ok());
}

TEST(ProjectPolicy, ShowsWhatIsInUse) {
  const auto project = project_with({{"limits.memory", "4GiB"}, {"limits.instances", "3"}});
  const auto use = project_use(project, {instance("a", {{"limits.memory", "1GiB"}}), instance("b", {})});
  EXPECT_EQ(use.at("memory").limit, 4ll << 30);
  EXPECT_EQ(use.at("memory").usage, 1ll << 30);
  EXPECT_EQ(use.at("instances").usage, 2);
  EXPECT_EQ(use.at("instances").limit, 3);
  EXPECT_EQ(use.at("cpu").limit, -1);
}

TEST(ProjectConfig, TakesWhatHasAnEffectAndRefusesTheRestByName) {
  for (const Config& good : {Config{{"features.images", "false"}}, Config{{"limits.memory", "1GiB"}},
                             Config{{"restricted.devices.nic", "managed"}}, Config{{"restricted.idmap.uid", "1-5,7"}},
                             Config{{"user.x", "y"}}, Config{{"features.networks", "false"}},
                             Config{{"restricted.cluster.target", "block"}}}) {
    EXPECT_TRUE(check_project_config(good).ok()) << good.begin()->first;
  }
  for (const Config& bad :
       {Config{{"limits.memory", "10%"}}, Config{{"limits.cpu", "0-3"}}, Config{{"limits.instances", "-1"}},
        Config{{"restricted", "perhaps"}}, Config{{"restricted.devices.nic", "yes"}}, Config{{"no.such", "x"}},
        Config{{"features.networks", "true"}}, Config{{"features.storage.buckets", "true"}},
        Config{{"restricted.cluster.target", "allow"}}, Config{{"restricted.networks.uplinks", "x"}},
        Config{{"restricted.idmap.gid", "9-3"}}, Config{{"restricted.containers.privilege", "block"}},
        Config{{"restricted.devices.disk.paths", "srv"}}, Config{{"images.auto_update_interval", "1"}},
        Config{{"limits.networks", "1"}}}) {
    const auto checked = check_project_config(bad);
    ASSERT_FALSE(checked.ok()) << bad.begin()->first;
    EXPECT_NE(checked.error().message().find(bad.begin()->first), std::string::npos) << checked.error().message();
  }
}

}  // namespace
}  // namespace cella::manager
