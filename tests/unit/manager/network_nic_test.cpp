#include "manager/network_nic.h"

#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "netlink/dump.h"

namespace cella::manager {
namespace {

TEST(Nic, ReadsBridgedWithNetworkOrParent) {
  const auto by_network = parse_nic({{"type", "nic"}, {"network", "cellabr0"}, {"name", "eth0"}});
  ASSERT_TRUE(by_network.ok()) << by_network.error().message();
  EXPECT_EQ(by_network->network, "cellabr0");
  const auto by_parent = parse_nic({{"type", "nic"}, {"nictype", "bridged"}, {"parent", "br0"}, {"limits.max", "8Mbit"}});
  ASSERT_TRUE(by_parent.ok()) << by_parent.error().message();
  EXPECT_EQ(by_parent->ingress, 8'000'000u);
  EXPECT_EQ(by_parent->egress, 8'000'000u);
  EXPECT_TRUE(parse_nic({{"type", "nic"}, {"nictype", "p2p"}, {"ipv4.routes", "10.3.0.5/32"}}).ok());
}

TEST(Nic, EachBadValueIsRefusedWithItsKey) {
  const std::pair<const char*, const char*> cases[] = {
      {"nictype", "macvlan"},      {"hwaddr", "zz"},          {"mtu", "12"},           {"ipv4.address", "fd42::1"},
      {"ipv6.address", "10.0.0.1"}, {"limits.ingress", "fast"}, {"limits.egress", "1"}, {"security.mac_filtering", "x"},
      {"name", "too-long-for-a-link"}, {"vlan", "4095"},       {"unknown.key", "1"},    {"parent", "br0"},
      {"ipv4.routes", "10.0.0.0"},
  };
  for (const auto& [key, value] : cases) {
    Device device{{"type", "nic"}, {"network", "cellabr0"}};
    device[key] = value;
    const auto parsed = parse_nic(device);
    ASSERT_FALSE(parsed.ok()) << key;
    EXPECT_EQ(parsed.error().kind(), ErrorKind::kInvalid);
    EXPECT_NE(parsed.error().message().find(key), std::string::npos) << parsed.error().message();
  }
  EXPECT_FALSE(parse_nic({{"type", "nic"}}).ok());
  EXPECT_FALSE(parse_nic({{"type", "nic"}, {"parent", "br0"}}).ok());
  EXPECT_FALSE(parse_nic({{"type", "nic"}, {"nictype", "p2p"}, {"network", "n1"}}).ok());
  EXPECT_FALSE(parse_nic({{"network", "n1"}, {"limits.max", "1Mbit"}, {"limits.ingress", "1Mbit"}}).ok());
}

NicPlan plan_of(const Device& device, std::uint32_t master) {
  return plan_nic(*parse_nic(device), {.host_name = "veth00000001",
                                       .host_index = 5000,
                                       .inner_index = 100,
                                       .interface_name = "eth0",
                                       .mac = *netlink::parse_mac("m", "00:16:3e:01:02:03"),
                                       .master = master,
                                       .addresses = {*netlink::parse_prefix("a", "10.1.2.3/24")},
                                       .gateways = {*netlink::parse_ip("g", "10.1.2.1")}});
}

TEST(NicPlan, BridgedIsMadeDownAndBroughtUpWithoutIpv6Address) {
  const NicPlan plan = plan_of({{"network", "n1"}, {"limits.ingress", "1Mbit"}, {"security.port_isolation", "true"}}, 7);
  EXPECT_EQ(plan.host_batch.labels()[0], "add veth veth00000001");
  EXPECT_EQ(plan.host_batch.message_count(), 5u);  // veth, up, isolation, htb, class
  ASSERT_EQ(plan.pid_offsets.size(), 1u);
  const auto messages = netlink::split_messages(plan.host_batch.bytes());
  EXPECT_EQ((*messages)[0].fixed<ifinfomsg>().ifi_flags & 1u, 0u);
  EXPECT_EQ((*messages)[1].fixed<ifinfomsg>().ifi_flags & 1u, 1u);
  EXPECT_EQ((*messages)[1].fixed<ifinfomsg>().ifi_index, 5000);
}

TEST(NicPlan, P2pIsOneMessageAndItsRoutesGoToItsOwnHostEnd) {
  const NicPlan plan = plan_of({{"nictype", "p2p"}, {"ipv4.routes", "10.3.0.5/32"}}, 0);
  ASSERT_EQ(plan.host_batch.message_count(), 2u);
  const auto messages = netlink::split_messages(plan.host_batch.bytes());
  EXPECT_EQ(netlink::decode_route((*messages)[1])->link_index, 5000u);
}

TEST(LaunchNetwork, JoinsNicsAndKeepsTrackOfEachPidPlace) {
  const NicPlan one = plan_of({{"network", "n1"}}, 7);
  const LaunchNetwork both = combine({one, one});
  ASSERT_EQ(both.pid_offsets.size(), 2u);
  EXPECT_EQ(both.pid_offsets[0], one.pid_offsets[0]);
  EXPECT_EQ(both.pid_offsets[1], one.host_batch.bytes().size() + one.pid_offsets[0]);
  const auto inner = netlink::split_messages(both.inner_batch);
  ASSERT_TRUE(inner.ok());
  EXPECT_EQ(inner->size(), 1 + 2 * 3u);  // lo; up, address, route each
  EXPECT_EQ((*inner)[0].fixed<ifinfomsg>().ifi_index, 1);
  const LaunchNetwork none = combine({});
  EXPECT_TRUE(none.host_batch.empty());
  EXPECT_EQ(netlink::split_messages(none.inner_batch)->size(), 1u);
}

TEST(LaunchNetwork, FreshNamesAndMacsHaveTheirForm) {
  EXPECT_EQ(fresh_host_name().size(), 12u);
  EXPECT_TRUE(fresh_host_name().starts_with("veth"));
  EXPECT_NE(fresh_host_name(), fresh_host_name());
  EXPECT_TRUE(random_mac().starts_with("00:16:3e:"));
  EXPECT_TRUE(netlink::parse_mac("m", random_mac()).ok());
}

}  // namespace
}  // namespace cella::manager
