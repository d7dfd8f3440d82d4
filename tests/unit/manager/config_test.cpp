#include <gtest/gtest.h>

#include "manager/config_keys.h"
#include "manager/device_rules.h"
#include "manager/merge.h"
#include "manager/names.h"
#include "manager/rlimits.h"
#include "manager/server_config.h"
#include "manager/volatile_keys.h"

namespace cella::manager {
namespace {

struct BadKey {
  const char* key;
  const char* value;
  ErrorKind kind;
};

class RejectedKey : public testing::TestWithParam<BadKey> {};

TEST_P(RejectedKey, IsNamedInTheError) {
  const auto& bad = GetParam();
  const auto checked = check_config({{bad.key, bad.value}}, ConfigOwner::kInstance);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().kind(), bad.kind);
  EXPECT_NE(checked.error().message().find(bad.key), std::string::npos) << checked.error().message();
}

INSTANTIATE_TEST_SUITE_P(Keys, RejectedKey,
                         testing::Values(BadKey{"limits.memry", "1GiB", ErrorKind::kInvalid},
                                         BadKey{"limits.memory", "12XB", ErrorKind::kInvalid},
                                         BadKey{"limits.cpu", "0-", ErrorKind::kInvalid},
                                         BadKey{"limits.cpu.priority", "11", ErrorKind::kInvalid},
                                         BadKey{"limits.processes", "-3", ErrorKind::kInvalid},
                                         BadKey{"limits.kernel.nofiles", "1", ErrorKind::kInvalid},
                                         BadKey{"limits.kernel.nofile", "20:10", ErrorKind::kInvalid},
                                         BadKey{"boot.autostart", "maybe", ErrorKind::kInvalid},
                                         BadKey{"user.", "x", ErrorKind::kInvalid},
                                         BadKey{"environment.", "x", ErrorKind::kInvalid},
                                         BadKey{"linux.sysctl.../escape", "1", ErrorKind::kInvalid},
                                         BadKey{"nonsense", "1", ErrorKind::kInvalid},
                                         BadKey{"raw.lxc", "x", ErrorKind::kUnsupported},
                                         BadKey{"security.privileged", "true", ErrorKind::kUnsupported},
                                         BadKey{"security.idmap.isolated", "false", ErrorKind::kUnsupported},
                                         BadKey{"limits.memory.swap.priority", "3", ErrorKind::kUnsupported},
                                         BadKey{"snapshots.schedule", "@dayly", ErrorKind::kInvalid}));

TEST(ConfigKeys, AcceptWhatHasAnEffect) {
  const Config config{{"limits.cpu", "2"},
                      {"limits.cpu.allowance", "25ms/100ms"},
                      {"limits.memory", "10%"},
                      {"limits.kernel.nofile", "1000:2000"},
                      {"limits.hugepages.2MB", "4MiB"},
                      {"security.privileged", "false"},
                      {"security.nesting", "true"},
                      {"environment.LANG", "C"},
                      {"linux.sysctl.net.ipv4.ip_forward", "1"},
                      {"user.anything.at-all", "x"}};
  const auto checked = check_config(config, ConfigOwner::kProfile);
  EXPECT_TRUE(checked.ok()) << checked.error().message();
}

TEST(ConfigKeys, KeepVolatileKeysOutOfProfiles) {
  EXPECT_FALSE(check_config({{"volatile.uuid", "x"}}, ConfigOwner::kProfile).ok());
  EXPECT_TRUE(check_config({{"volatile.uuid", "x"}}, ConfigOwner::kInstance).ok());
}

TEST(ConfigKeys, FindTheExactNameBeforeItsFamily) {
  EXPECT_EQ(find_key_rule("limits.cpu.nodes")->refused.empty(), false);
  EXPECT_EQ(find_key_rule("boot.autostart")->refused.empty(), true);
  EXPECT_EQ(find_key_rule("boot.other")->refused.empty(), false);
  EXPECT_EQ(find_key_rule("limits"), nullptr);
}

TEST(Merge, LetsLaterLayersOverrideEarlierOnes) {
  const Config first{{"limits.cpu", "1"}, {"user.a", "first"}};
  const Config second{{"user.a", "second"}, {"user.b", "second"}};
  const Config own{{"user.b", "own"}};
  const Devices first_devices{{"eth0", {{"type", "nic"}, {"network", "one"}, {"mtu", "1400"}}}};
  const Devices second_devices{{"eth0", {{"type", "nic"}, {"network", "two"}}}};
  const Devices own_devices{{"root", {{"type", "disk"}, {"path", "/"}}}};
  const auto merged = merge({{&first, &first_devices}, {&second, &second_devices}, {&own, &own_devices}});
  EXPECT_EQ(merged.config, (Config{{"limits.cpu", "1"}, {"user.a", "second"}, {"user.b", "own"}}));
  // A device is taken whole: the first profile's mtu is gone.
  EXPECT_EQ(merged.devices.at("eth0"), (Device{{"type", "nic"}, {"network", "two"}}));
  EXPECT_EQ(merged.devices.size(), 2u);
}

TEST(Merge, PatchesKeysAndDevicesOneByOne) {
  EXPECT_EQ(patch_config({{"a", "1"}, {"b", "2"}}, {{"b", ""}, {"c", "3"}}), (Config{{"a", "1"}, {"c", "3"}}));
  EXPECT_EQ(patch_devices({{"x", {{"type", "none"}}}}, {{"x", {}}, {"y", {{"type", "none"}}}}),
            (Devices{{"y", {{"type", "none"}}}}));
}

class RejectedName : public testing::TestWithParam<const char*> {};
TEST_P(RejectedName, IsNoInstanceName) { EXPECT_FALSE(check_instance_name(GetParam()).ok()); }
INSTANTIATE_TEST_SUITE_P(Names, RejectedName,
                         testing::Values("", "-a", "a-", "1a", "a.b", "a b", "a/b", "ä", "a_b",
                                         "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg"));

TEST(Names, AcceptHostNameLabels) {
  for (const char* name : {"a", "C1", "web-01", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"}) {
    EXPECT_TRUE(check_instance_name(name).ok()) << name;
  }
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(check_instance_name(random_instance_name()).ok());
}

Result<void> any_nic(const Device&) { return kOk; }

struct BadDevice {
  Device device;
  const char* text;  // what the error must contain
};
class RejectedDevice : public testing::TestWithParam<BadDevice> {};
TEST_P(RejectedDevice, SaysWhy) {
  const auto checked = check_devices({{"thing", GetParam().device}}, any_nic);
  ASSERT_FALSE(checked.ok());
  EXPECT_NE(checked.error().message().find("thing"), std::string::npos) << checked.error().message();
  EXPECT_NE(checked.error().message().find(GetParam().text), std::string::npos) << checked.error().message();
}
INSTANTIATE_TEST_SUITE_P(
    Devices, RejectedDevice,
    testing::Values(BadDevice{{{"type", "gpu"}}, "gpu"}, BadDevice{{{"type", "toaster"}}, "toaster"},
                    BadDevice{{}, "type"}, BadDevice{{{"type", "disk"}}, "path"},
                    BadDevice{{{"type", "disk"}, {"path", "/"}}, "pool"},
                    BadDevice{{{"type", "disk"}, {"path", "/mnt"}}, "source"},
                    BadDevice{{{"type", "disk"}, {"path", "mnt"}, {"source", "/x"}}, "mnt"},
                    BadDevice{{{"type", "disk"}, {"path", "/a/../b"}, {"source", "/x"}}, ".."},
                    BadDevice{{{"type", "disk"}, {"path", "/"}, {"pool", "p"}, {"size", "many"}}, "many"},
                    BadDevice{{{"type", "disk"}, {"path", "/"}, {"pool", "p"}, {"limits.read", "fast"}}, "limits.read"},
                    BadDevice{{{"type", "proxy"}, {"listen", "tcp:0.0.0.0:80"}}, "connect"},
                    BadDevice{{{"type", "disk"}, {"path", "/m"}, {"source", "/x"}, {"colour", "red"}}, "colour"},
                    BadDevice{{{"type", "unix-char"}, {"path", "/tmp/x"}}, "/tmp/x"},
                    BadDevice{{{"type", "unix-char"}, {"path", "/dev/x"}, {"major", "1"}}, "minor"}));

TEST(DeviceRules, FindOneRootDisk) {
  const Device root{{"type", "disk"}, {"path", "/"}, {"pool", "p"}};
  EXPECT_EQ((*find_root_disk({{"r", root}}))->first, "r");
  EXPECT_EQ(*find_root_disk({}), nullptr);
  EXPECT_FALSE(find_root_disk({{"r", root}, {"s", root}}).ok());
}

TEST(VolatileKeys, SurviveAPutThatLeavesThemOut) {
  Config wanted{{"user.a", "b"}, {"volatile.uuid", "forged"}};
  keep_volatile(wanted, {{"volatile.uuid", "real"}, {"volatile.eth0.hwaddr", "00:16:3e:00:00:01"}, {"user.old", "x"}},
                HwaddrChange::kIgnored);
  EXPECT_EQ(wanted, (Config{{"user.a", "b"}, {"volatile.uuid", "real"}, {"volatile.eth0.hwaddr", "00:16:3e:00:00:01"}}));
}

TEST(VolatileKeys, LetTheMacOfAStoppedInstanceChange) {
  Config wanted{{"volatile.eth0.hwaddr", "00:16:3e:00:00:02"}};
  keep_volatile(wanted, {{"volatile.eth0.hwaddr", "00:16:3e:00:00:01"}}, HwaddrChange::kAllowed);
  EXPECT_EQ(wanted.at("volatile.eth0.hwaddr"), "00:16:3e:00:00:02");
}

TEST(VolatileKeys, GiveEachNicAMacAndForgetGoneDevices) {
  Config config{{"volatile.eth1.hwaddr", "00:16:3e:00:00:01"}, {"volatile.uuid", "u"}};
  settle_device_keys(config, {{"eth0", {{"type", "nic"}}}, {"eth9", {{"type", "nic"}, {"hwaddr", "00:16:3e:1:1:1"}}}});
  EXPECT_TRUE(config.at("volatile.eth0.hwaddr").starts_with("00:16:3e:"));
  EXPECT_FALSE(config.contains("volatile.eth1.hwaddr"));
  EXPECT_FALSE(config.contains("volatile.eth9.hwaddr"));
  EXPECT_TRUE(config.contains("volatile.uuid"));
}

TEST(VolatileKeys, OfAStoppedInstanceHaveNoHostName) {
  Config config{{"volatile.eth0.host_name", "veth1"}, {"volatile.last_state.power", "RUNNING"}};
  set_stopped_keys(config);
  EXPECT_EQ(config, (Config{{"volatile.last_state.power", "STOPPED"}}));
}

TEST(ServerConfig, NamesKeysWithoutEffect) {
  EXPECT_TRUE(check_server_config({{"user.x", "y"}}).ok());
  EXPECT_EQ(check_server_config({{"core.bgp_address", ":8444"}}).error().kind(), ErrorKind::kUnsupported);
  EXPECT_EQ(check_server_config({{"bogus", "1"}}).error().kind(), ErrorKind::kInvalid);
}

TEST(Rlimits, ReadOneOrTwoNumbers) {
  EXPECT_EQ(parse_rlimit("limits.kernel.nofile", "10:20")->hard, 20u);
  EXPECT_EQ(parse_rlimit("limits.kernel.nproc", "7")->soft, 7u);
  EXPECT_EQ(parse_rlimit("limits.kernel.memlock", "unlimited")->hard, ~std::uint64_t{0});
}

}  // namespace
}  // namespace cella::manager
