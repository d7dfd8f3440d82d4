#include <gtest/gtest.h>

#include "manager/dnsmasq_config.h"
#include "manager/leases.h"

namespace cella::manager {
namespace {

BridgeSettings settings(const Config& config) {
  auto parsed = parse_bridge_settings(config);
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error().message());
  return *parsed;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

const Config kBoth{{"ipv4.address", "10.98.1.1/24"}, {"ipv6.address", "fd42:1::1/64"}};
const DnsmasqPaths kPaths{"/state/networks/br7"};

TEST(DnsmasqConfig, ServesTheSubnetOnThisBridgeOnly) {
  const std::string text = dnsmasq_config("br7", settings(kBoth), kPaths, {});
  for (const char* line : {"interface=br7", "except-interface=lo", "bind-interfaces", "listen-address=10.98.1.1",
                           "listen-address=fd42:1::1", "dhcp-range=10.98.1.2,10.98.1.254,255.255.255.0,1h", "enable-ra",
                           "dhcp-range=::,constructor:br7,ra-stateless,64", "domain=lxd", "local=/lxd/",
                           "interface-name=_gateway.lxd,br7", "user=nobody", "group=nogroup",
                           "pid-file=/state/networks/br7/dnsmasq.pid", "dhcp-hostsdir=/state/networks/br7/dnsmasq.hosts",
                           "hostsdir=/state/networks/br7/dnsmasq.names", "dhcp-ignore-names=tag:!known"}) {
    EXPECT_TRUE(has_line(text, line)) << line << "\n" << text;
  }
}

TEST(DnsmasqConfig, FollowsTheKeys) {
  Config config = kBoth;
  config["ipv4.dhcp.ranges"] = "10.98.1.10-10.98.1.20";
  config["ipv4.dhcp.expiry"] = "5m";
  config["ipv4.dhcp.gateway"] = "10.98.1.254";
  config["ipv6.dhcp.stateful"] = "true";
  config["ipv6.dhcp.ranges"] = "fd42:1::100-fd42:1::1ff";
  config["bridge.mtu"] = "1400";
  config["dns.domain"] = "example.net";
  config["dns.mode"] = "dynamic";
  config["dns.search"] = "a.example,b.example";
  config["raw.dnsmasq"] = "address=/x.test/192.0.2.1";
  const std::string text = dnsmasq_config("br7", settings(config), kPaths, {});
  for (const char* line : {"dhcp-range=10.98.1.10,10.98.1.20,255.255.255.0,5m", "dhcp-option-force=option:router,10.98.1.254",
                           "dhcp-option-force=option:mtu,1400", "dhcp-range=fd42:1::100,fd42:1::1ff,64,1h",
                           "domain=example.net", "dhcp-option-force=option:domain-search,a.example,b.example",
                           "address=/x.test/192.0.2.1"}) {
    EXPECT_TRUE(has_line(text, line)) << line << "\n" << text;
  }
  EXPECT_EQ(text.find("dhcp-ignore-names"), std::string::npos);
}

TEST(DnsmasqConfig, WithoutDhcpThereIsNoIpv4RangeAndOnlyAdvertisements) {
  Config config = kBoth;
  config["ipv4.dhcp"] = "false";
  config["ipv6.dhcp"] = "false";
  const std::string text = dnsmasq_config("br7", settings(config), kPaths, {});
  EXPECT_EQ(text.find("dhcp-range=10."), std::string::npos);
  EXPECT_TRUE(has_line(text, "dhcp-range=::,constructor:br7,ra-only,64"));
  EXPECT_FALSE(needs_dnsmasq(settings({})));
}

TEST(DnsmasqHost, ReservesAddressesAndNamesThem) {
  const DnsmasqHost host{"c1", *netlink::parse_mac("m", "00:16:3e:01:02:03"), *netlink::parse_ip("a", "10.98.1.5"),
                         *netlink::parse_ip("a", "fd42:1::5")};
  EXPECT_EQ(reservation_line(host, settings(kBoth)), "00:16:3e:01:02:03,10.98.1.5,c1\n");
  EXPECT_EQ(name_lines(host, settings(kBoth)), "10.98.1.5 c1.lxd c1\nfd42:1::5 c1.lxd c1\n");
  Config stateful = kBoth;
  stateful["ipv6.dhcp.stateful"] = "true";
  EXPECT_EQ(reservation_line(host, settings(stateful)), "00:16:3e:01:02:03,10.98.1.5,[fd42:1::5],c1\n");
  Config nameless = kBoth;
  nameless["dns.mode"] = "none";
  EXPECT_EQ(reservation_line(host, settings(nameless)), "00:16:3e:01:02:03,10.98.1.5\n");
  EXPECT_EQ(name_lines(host, settings(nameless)), "");
}

TEST(Leases, ReadsBothFamiliesAndSkipsWhatIsNone) {
  const auto leases = parse_leases(
      "1700000000 00:16:3e:01:02:03 10.98.1.5 c1 01:00:16:3e:01:02:03\n"
      "0 00:16:3e:01:02:04 10.98.1.6 * *\n"
      "duid 00:01:00:01:2b:3c\n"
      "1700000001 40239619 fd42:1::5 c1 00:02:ab\n"
      "\n"
      "garbage here not a lease\n"
      "17 00:16:3e:01:02:05 10.98.1");
  ASSERT_EQ(leases.size(), 3u);
  EXPECT_EQ(leases[0].expiry, 1700000000);
  EXPECT_EQ(leases[0].mac, "00:16:3e:01:02:03");
  EXPECT_EQ(leases[0].hostname, "c1");
  EXPECT_EQ(leases[1].hostname, "");
  EXPECT_EQ(leases[2].address, "fd42:1::5");
  EXPECT_EQ(leases[2].mac, "");
}

}  // namespace
}  // namespace cella::manager
