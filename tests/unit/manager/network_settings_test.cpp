#include "manager/network_settings.h"

#include <gtest/gtest.h>

namespace cella::manager {
namespace {

std::string error_of(const Config& config) {
  const auto parsed = parse_bridge_settings(config);
  if (parsed.ok()) return "accepted";
  EXPECT_EQ(parsed.error().kind(), ErrorKind::kInvalid);
  return parsed.error().message();
}

TEST(BridgeSettings, DefaultsAreLxds) {
  const auto settings = parse_bridge_settings({{"ipv4.address", "10.98.1.1/24"}});
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(netlink::format(*settings->v4.address), "10.98.1.1/24");
  EXPECT_FALSE(settings->v4.nat);
  EXPECT_TRUE(settings->v4.dhcp);
  EXPECT_TRUE(settings->v4.firewall);
  EXPECT_TRUE(settings->v4.routing);
  EXPECT_EQ(settings->v4.expiry, "1h");
  EXPECT_FALSE(settings->v6.address.has_value());
  EXPECT_EQ(settings->dns_domain, "lxd");
  EXPECT_EQ(settings->dns_mode, DnsMode::kManaged);
}

TEST(BridgeSettings, ReadsEveryKeyItServes) {
  const auto settings = parse_bridge_settings({{"ipv4.address", "10.98.1.1/24"},
                                               {"ipv4.nat", "true"},
                                               {"ipv4.nat.address", "192.0.2.7"},
                                               {"ipv4.nat.order", "after"},
                                               {"ipv4.dhcp.ranges", "10.98.1.10-10.98.1.20, 10.98.1.50-10.98.1.60"},
                                               {"ipv4.dhcp.expiry", "12h"},
                                               {"ipv4.dhcp.gateway", "10.98.1.254"},
                                               {"ipv4.routes", "10.99.0.0/16,10.100.3.4/24"},
                                               {"ipv6.address", "fd42:1:2:3::1/64"},
                                               {"ipv6.dhcp.stateful", "true"},
                                               {"ipv6.firewall", "false"},
                                               {"ipv6.routing", "no"},
                                               {"dns.domain", "example.net"},
                                               {"dns.mode", "dynamic"},
                                               {"dns.search", "a.example, b.example"},
                                               {"bridge.mtu", "1400"},
                                               {"bridge.hwaddr", "00:16:3e:01:02:03"},
                                               {"bridge.driver", "native"},
                                               {"raw.dnsmasq", "address=/x.test/192.0.2.1\n"},
                                               {"user.anything", ""}});
  ASSERT_TRUE(settings.ok()) << settings.error().message();
  EXPECT_EQ(settings->v4.ranges.size(), 2u);
  EXPECT_EQ(settings->v4.routes.size(), 2u);
  EXPECT_EQ(netlink::format(settings->v4.routes[1]), "10.100.3.0/24");
  EXPECT_EQ(settings->v4.nat_order, NatOrder::kAfter);
  EXPECT_TRUE(settings->v6.stateful);
  EXPECT_FALSE(settings->v6.firewall);
  EXPECT_FALSE(settings->v6.routing);
  EXPECT_EQ(settings->dns_search, (std::vector<std::string>{"a.example", "b.example"}));
  EXPECT_EQ(*settings->mtu, 1400u);
}

TEST(BridgeSettings, EachBadValueIsRefusedWithItsKeyAndValue) {
  const Config address{{"ipv4.address", "10.98.1.1/24"}};
  const std::pair<const char*, const char*> cases[] = {
      {"ipv4.address", "10.98.1.1"},        {"ipv4.address", "10.98.1.0/24"},   {"ipv4.address", "10.98.1.255/24"},
      {"ipv4.address", "10.98.1.1/31"},     {"ipv4.address", "fd42::1/64"},     {"ipv6.address", "10.98.1.1/24"},
      {"ipv4.nat", "maybe"},                {"ipv4.dhcp.ranges", "10.98.1.5"},  {"ipv4.dhcp.ranges", "10.98.2.5-10.98.2.9"},
      {"ipv4.dhcp.ranges", "10.98.1.9-10.98.1.5"}, {"ipv4.dhcp.expiry", "soon"}, {"ipv4.dhcp.expiry", "h"},
      {"ipv4.dhcp.gateway", "192.0.2.1"},   {"dns.mode", "auto"},               {"dns.domain", "a\nb"},
      {"dns.domain", "-s /etc"},            {"bridge.mtu", "99"},               {"bridge.mtu", "many"},
      {"bridge.hwaddr", "ff:ff:ff:ff:ff:ff"}, {"bridge.driver", "openvswitch"}, {"bridge.external_interfaces", "eth0/1"},
      {"raw.dnsmasq", "a\rb"},              {"ipv4.routes", "0.0.0.0/0"},       {"ipv4.nat.order", "middle"},
      {"ipv4.dhcp.stateful", "true"},       {"bgp.ipv4.nexthop", "192.0.2.1"},  {"tunnel.x.protocol", "gre"},
      {"bridge.nothing", "1"},              {"nonsense", "1"},
  };
  for (const auto& [key, value] : cases) {
    Config config = address;
    config[key] = value;
    const std::string message = error_of(config);
    EXPECT_NE(message.find(key), std::string::npos) << key << "=" << value << ": " << message;
  }
  EXPECT_NE(error_of({{"nonsense", "1"}}).find("unknown"), std::string::npos);
  EXPECT_NE(error_of({{"ipv4.dhcp.ranges", "10.0.0.2-10.0.0.3"}}).find("no address"), std::string::npos);
}

TEST(BridgeSettings, InterfaceNamesFollowTheKernelAndLxd) {
  for (const char* good : {"br0", "cellabr0", "a-b_c.d", "abcdefghijklmno"}) {
    EXPECT_TRUE(check_link_name("name", good).ok()) << good;
  }
  for (const char* bad : {"", "a", "abcdefghijklmnop", "a b", "a/b", "-br", "..", ".x", "br:0", "br\n0", "b%d"}) {
    EXPECT_FALSE(check_link_name("name", bad).ok()) << bad;
  }
}

TEST(BridgeSettings, AllocationLeavesTheGatewayAndBroadcastAlone) {
  const auto settings = parse_bridge_settings({{"ipv4.address", "10.98.1.1/24"}, {"ipv6.address", "fd42::1/64"}});
  const auto ranges = allocation_ranges(settings->v4);
  ASSERT_EQ(ranges.size(), 1u);
  EXPECT_EQ(netlink::format(ranges[0].first), "10.98.1.2");
  EXPECT_EQ(netlink::format(ranges[0].last), "10.98.1.254");
  EXPECT_EQ(netlink::format(allocation_ranges(settings->v6)[0].last), "fd42::ffff:ffff:ffff:ffff");
  EXPECT_TRUE(allocation_ranges({}).empty());
}

}  // namespace
}  // namespace cella::manager
