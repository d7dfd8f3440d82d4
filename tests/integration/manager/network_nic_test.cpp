// NICs on the real kernel: addresses kept, filters, limits, hot-plug.
#include "netlink/links.h"
#include "tests/integration/manager/network_fixture.h"

namespace cella::manager {
namespace {

using netlink::IpFamily;

constexpr const char* kMac1 = "00:16:3e:00:00:01";
constexpr const char* kMac2 = "00:16:3e:00:00:02";

class NicRoot : public NetworkRoot {
 protected:
  void SetUp() override {
    NetworkRoot::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_OK(networks_->create({.name = "cntbr0",
                                 .config = {{"ipv4.address", "10.214.7.1/24"}, {"ipv6.address", "fd42:214:7:1::1/64"}}}));
  }
};

TEST_F(NicRoot, AddressesStayUntilTheNicIsForgotten) {
  const auto first = networks_->attach(nic("c1", kMac1));
  ASSERT_OK(first);
  networks_->detach(nic("c1", kMac1), first->host_name);
  for (int i = 0; i < 20; ++i) ASSERT_OK(networks_->attach(nic("other" + std::to_string(i), random_mac())));
  reopen();
  EXPECT_EQ(networks_->attach(nic("c1", kMac1))->addresses, first->addresses);
  ASSERT_OK(networks_->rename_instance("c1", "c9"));
  EXPECT_EQ(networks_->attach(nic("c9", kMac1))->addresses, first->addresses);
  ASSERT_OK(networks_->forget_instance("c9"));
  const auto leases = networks_->leases("cntbr0");
  for (const Lease& lease : *leases) EXPECT_NE(lease.hostname, "c9");
}

TEST_F(NicRoot, FixedAddressIsGivenOnceAndOnlyInsideTheSubnet) {
  const auto fixed = networks_->attach(nic("c1", kMac1, {{"ipv4.address", "10.214.7.77"}}));
  ASSERT_OK(fixed);
  EXPECT_EQ(address(*fixed, IpFamily::kV4), "10.214.7.77");
  const auto taken = networks_->attach(nic("c2", kMac2, {{"ipv4.address", "10.214.7.77"}}));
  ASSERT_FALSE(taken.ok());
  EXPECT_NE(taken.error().message().find("instance c1"), std::string::npos) << taken.error().message();
  for (const char* bad : {"10.214.8.1", "10.214.7.1"}) {
    EXPECT_FALSE(networks_->attach(nic("c2", kMac2, {{"ipv4.address", bad}})).ok()) << bad;
  }
  EXPECT_FALSE(networks_->validate_nic({{"type", "nic"}, {"network", "cntbr0"}, {"ipv4.address", "10.99.0.1"}}).ok());
  EXPECT_EQ(networks_->validate_nic({{"type", "nic"}, {"network", "cntbr1"}}).error().kind(), ErrorKind::kNotFound);
  EXPECT_TRUE(networks_->validate_nic({{"type", "nic"}, {"nictype", "bridged"}, {"parent", "cntbr0"}}).ok());
}

TEST_F(NicRoot, FullRangeSaysSo) {
  ASSERT_OK(networks_->update({.name = "cntbr0",
                               .config = {{"ipv4.address", "10.214.7.1/24"}, {"ipv4.dhcp.ranges", "10.214.7.10-10.214.7.11"}}}));
  ASSERT_OK(networks_->attach(nic("c1", kMac1)));
  ASSERT_OK(networks_->attach(nic("c2", kMac2)));
  const auto third = networks_->attach(nic("c3", "00:16:3e:00:00:03"));
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.error().kind(), ErrorKind::kNoSpace);
  ASSERT_OK(networks_->forget("c1", "eth0"));
  EXPECT_TRUE(networks_->attach(nic("c3", "00:16:3e:00:00:03")).ok());
}

TEST_F(NicRoot, FiltersStopSpoofingAndGoWithTheNic) {
  test::NetworkProcess good, evil;
  const auto plan1 = networks_->attach(nic("c1", kMac1));
  const auto request = nic("c2", kMac2, {{"security.mac_filtering", "true"}, {"security.ipv4_filtering", "true"},
                                         {"security.ipv6_filtering", "true"}});
  const auto plan2 = networks_->attach(request);
  ASSERT_OK(plan1);
  ASSERT_OK(plan2);
  start(good, {*plan1});
  start(evil, {*plan2});
  const std::string target = address(*plan1, IpFamily::kV4);
  const std::string target6 = address(*plan1, IpFamily::kV6);
  EXPECT_TRUE(ping(evil, target));
  EXPECT_TRUE(ping(evil, target6));
  EXPECT_TRUE(ping(good, address(*plan2, IpFamily::kV6)));
  ASSERT_TRUE(evil.succeeds({"ip", "address", "add", "10.214.7.250/24", "dev", "eth0"}));
  ASSERT_TRUE(evil.succeeds({"ip", "address", "add", "fd42:214:7:1::bad/64", "dev", "eth0", "nodad"}));
  EXPECT_FALSE(evil.succeeds({"busybox", "ping", "-c1", "-W1", "-I", "10.214.7.250", target}));
  EXPECT_FALSE(evil.succeeds({"busybox", "ping", "-c1", "-W1", "-I", "fd42:214:7:1::bad", target6}));
  // The honest side's view of who has .250 was never changed by the other's ARP.
  const auto neighbours = good.run({"ip", "neighbour", "show"});
  EXPECT_EQ(neighbours->output.find("10.214.7.250"), std::string::npos) << neighbours->output;
  ASSERT_TRUE(evil.succeeds({"ip", "link", "set", "eth0", "address", "00:16:3e:00:00:99"}));
  EXPECT_FALSE(evil.succeeds({"busybox", "ping", "-c1", "-W1", target}));

  networks_->detach(request, plan2->host_name);
  networks_.reset();  // finishes what detach() left to the background
  EXPECT_EQ(output_of("nft", {"list", "ruleset"}).find("table bridge"), std::string::npos);
  reopen();
}

TEST_F(NicRoot, StaleFiltersGoAtStartAndLiveOnesStay) {
  const auto stale = networks_->attach(nic("c1", kMac1, {{"security.mac_filtering", "true"}}));
  const auto live = networks_->attach(nic("c2", kMac2, {{"security.mac_filtering", "true"}}));
  ASSERT_OK(stale);
  ASSERT_OK(live);
  live_ = {live->host_name};
  reopen();
  const std::string rules = output_of("nft", {"list", "ruleset"});
  EXPECT_EQ(rules.find(stale->host_name), std::string::npos) << rules;
  EXPECT_NE(rules.find(live->host_name), std::string::npos) << rules;
  live_.clear();
  reopen();
}

TEST_F(NicRoot, LimitsAreSetBeforeTheFirstPacketAndChangedLive) {
  test::NetworkProcess container;
  auto request = nic("c1", kMac1, {{"limits.ingress", "10Mbit"}, {"limits.egress", "5Mbit"}});
  const auto plan = networks_->attach(request);
  ASSERT_OK(plan);
  start(container, {*plan});
  EXPECT_NE(output_of("tc", {"class", "show", "dev", plan->host_name}).find("rate 10Mbit"), std::string::npos);
  const std::string rules = output_of("nft", {"list", "table", "bridge", "cella"});
  EXPECT_NE(rules.find("limit rate over 625000 bytes/second"), std::string::npos) << rules;
  EXPECT_TRUE(ping(container, "10.214.7.1"));
  request.config = {{"type", "nic"}, {"network", "cntbr0"}, {"limits.max", "20Mbit"}};
  ASSERT_OK(networks_->update_nic(request, plan->host_name));
  EXPECT_NE(output_of("tc", {"class", "show", "dev", plan->host_name}).find("rate 20Mbit"), std::string::npos);
  EXPECT_NE(output_of("nft", {"list", "table", "bridge", "cella"}).find("over 2500000 bytes/second"), std::string::npos);
  request.config = {{"type", "nic"}, {"network", "cntbr0"}};
  ASSERT_OK(networks_->update_nic(request, plan->host_name));
  EXPECT_EQ(output_of("tc", {"class", "show", "dev", plan->host_name}), "");
  EXPECT_EQ(output_of("nft", {"list", "ruleset"}).find("table bridge"), std::string::npos);
}

// Sends through a policer of 8 Mbit/s (1 MB/s) for long enough that the burst no longer matters.
TEST_F(NicRoot, EgressIsReallyLimited) {
  test::NetworkProcess container;
  const auto request = nic("c1", kMac1, {{"limits.egress", "8Mbit"}});
  const auto plan = networks_->attach(request);
  ASSERT_OK(plan);
  start(container, {*plan});
  const auto received = [&] {
    return netlink::find_link(*socket_, "cntbr0")->counters.bytes_received;
  };
  const auto before = received();
  // 3000 frames of 1400 bytes as fast as they go: 4.2 MB in well under a second without the limit.
  ASSERT_OK(container.run({"busybox", "ping", "-q", "-s", "1400", "-c", "3000", "-A", "-w", "1", "10.214.7.1"}));
  const auto through = received() - before;
  EXPECT_LT(through, 2'600'000u);
  networks_->detach(request, plan->host_name);
}

TEST_F(NicRoot, PlugAndUnplugWhileRunning) {
  test::NetworkProcess container;
  auto request = nic("c1", kMac1);
  request.device = "eth1";
  request.position = 1;
  const auto plan = networks_->plug(request, container.network_namespace());
  ASSERT_OK(plan);
  EXPECT_EQ(plan->interface_name, "eth1");
  EXPECT_TRUE(ping(container, "10.214.7.1"));
  auto inside = netlink::Socket::open_in(container.network_namespace());
  const auto states = read_network_states(*inside);
  ASSERT_OK(states);
  ASSERT_TRUE(states->contains("eth1"));
  const NetworkState& eth1 = states->at("eth1");
  EXPECT_EQ(eth1.hwaddr, kMac1);
  EXPECT_EQ(eth1.state, "up");
  EXPECT_EQ(eth1.addresses.at(0).address, address(*plan, IpFamily::kV4));
  EXPECT_EQ(eth1.addresses.at(0).netmask, "24");
  EXPECT_GT(eth1.packets_sent, 0);
  networks_->unplug(request, plan->host_name);
  networks_.reset();
  EXPECT_FALSE(netlink::find_link(*inside, "eth1").ok());
  reopen();
}

TEST_F(NicRoot, P2pAndUnmanagedBridgeGetTheirLinksWithoutAddresses) {
  test::NetworkProcess container;
  output_of("ip", {"link", "add", "cntplain0", "type", "bridge"});
  NicRequest p2p{.instance = "c1", .device = "eth0", .mac = kMac1};
  p2p.config = {{"type", "nic"}, {"nictype", "p2p"}, {"ipv4.routes", "10.218.0.5/32"}};
  NicRequest bridged{.instance = "c1", .device = "eth1", .mac = kMac2, .position = 1};
  bridged.config = {{"type", "nic"}, {"nictype", "bridged"}, {"parent", "cntplain0"}};
  const auto plan1 = networks_->attach(p2p);
  const auto plan2 = networks_->attach(bridged);
  ASSERT_OK(plan1);
  ASSERT_OK(plan2);
  EXPECT_TRUE(plan1->addresses.empty() && plan2->addresses.empty());
  start(container, {*plan1, *plan2});
  EXPECT_NE(output_of("ip", {"route", "show", "dev", plan1->host_name}).find("10.218.0.5"), std::string::npos);
  EXPECT_EQ(netlink::find_link(*socket_, plan2->host_name)->master, netlink::find_link(*socket_, "cntplain0")->index);
  EXPECT_EQ(networks_->attach({.instance = "c1", .device = "eth2",
                               .config = {{"nictype", "bridged"}, {"parent", "missing0"}}, .mac = kMac1}).error().kind(),
            ErrorKind::kInvalid);
}

}  // namespace
}  // namespace cella::manager
