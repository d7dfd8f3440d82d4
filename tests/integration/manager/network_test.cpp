// Managed networks on the real kernel: life cycle, addresses, DHCP, DNS, NAT.
#include <algorithm>

#include "base/files.h"
#include "netlink/links.h"
#include "netlink/routes.h"
#include "netlink/sysctls.h"
#include "tests/integration/manager/network_fixture.h"

namespace cella::manager {
namespace {

using netlink::IpFamily;

const Config kConfig{{"ipv4.address", "10.214.7.1/24"}, {"ipv4.nat", "true"},
                     {"ipv6.address", "fd42:214:7:1::1/64"}, {"ipv6.nat", "true"}};
constexpr const char* kMac1 = "00:16:3e:00:00:01";
constexpr const char* kMac2 = "00:16:3e:00:00:02";

// A process that has ended but was not reaped yet has no command line.
bool has_process(const std::string& pid) {
  const auto command = read_file("/proc/" + pid + "/cmdline");
  return command.ok() && !command->empty();
}

std::string pid_of(const std::string& state_dir, const std::string& name) {
  const auto text = read_file(state_dir + "/networks/" + name + "/dnsmasq.pid");
  return text.ok() ? text->substr(0, text->find('\n')) : "";
}

TEST_F(NetworkRoot, CreateMakesEverythingAndRemoveLeavesNothing) {
  const std::string forwarding = *netlink::read_setting("ipv4/ip_forward");
  const std::string forwarding6 = *netlink::read_setting("ipv6/conf/all/forwarding");
  ASSERT_OK(networks_->create({.name = "cntbr0", .description = "test"}));
  const auto network = networks_->get("cntbr0");
  ASSERT_OK(network);
  EXPECT_EQ(network->status, "Created");
  EXPECT_TRUE(network->managed);
  EXPECT_EQ(network->config.at("ipv4.nat"), "true");
  EXPECT_TRUE(network->config.at("ipv4.address").ends_with(".1/24")) << network->config.at("ipv4.address");
  EXPECT_TRUE(network->config.at("ipv6.address").starts_with("fd42:"));
  const auto state = networks_->state("cntbr0");
  ASSERT_OK(state);
  EXPECT_EQ(state->interface.state, "up");
  EXPECT_TRUE(state->bridge.has_value());
  EXPECT_EQ(*netlink::read_setting("ipv4/ip_forward"), "1");
  EXPECT_EQ(*netlink::read_setting("ipv6/conf/cntbr0/accept_ra"), "0");
  EXPECT_NE(output_of("nft", {"list", "table", "inet", "cella"}).find("masquerade"), std::string::npos);
  const std::string pid = pid_of(state_dir_, "cntbr0");
  EXPECT_TRUE(!pid.empty() && has_process(pid)) << pid;

  ASSERT_OK(networks_->remove("cntbr0"));
  EXPECT_EQ(netlink::find_link(*socket_, "cntbr0").error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(output_of("nft", {"list", "ruleset"}), "");
  EXPECT_FALSE(has_process(pid));
  EXPECT_FALSE(path_exists(state_dir_ + "/networks/cntbr0"));
  EXPECT_EQ(*netlink::read_setting("ipv4/ip_forward"), forwarding);
  EXPECT_EQ(*netlink::read_setting("ipv6/conf/all/forwarding"), forwarding6);
  EXPECT_EQ(networks_->get("cntbr0").error().kind(), ErrorKind::kNotFound);
}

TEST_F(NetworkRoot, InstancesReachEachOtherTheBridgeAndNames) {
  ASSERT_OK(networks_->create({.name = "cntbr0", .config = kConfig}));
  test::NetworkProcess one, two;
  const auto plan1 = networks_->attach(nic("c1", kMac1));
  const auto plan2 = networks_->attach(nic("c2", kMac2));
  ASSERT_OK(plan1);
  ASSERT_OK(plan2);
  start(one, {*plan1});
  start(two, {*plan2});
  EXPECT_TRUE(ping(one, "10.214.7.1"));
  EXPECT_TRUE(ping(one, address(*plan2, IpFamily::kV4)));
  EXPECT_TRUE(ping(one, address(*plan2, IpFamily::kV6)));
  EXPECT_EQ(address(*plan1, IpFamily::kV6), "fd42:214:7:1:216:3eff:fe00:1");
  const auto lookup = one.run({"busybox", "nslookup", "c2.lxd", "10.214.7.1"});
  ASSERT_OK(lookup);
  EXPECT_NE(lookup->output.find(address(*plan2, IpFamily::kV4)), std::string::npos) << lookup->output << lookup->errors;
  const auto unknown = one.run({"busybox", "nslookup", "nobody.lxd", "10.214.7.1"});
  EXPECT_NE(unknown->wait_status, 0);
}

TEST_F(NetworkRoot, DhcpGivesTheAddressThatWasSetBefore) {
  ASSERT_OK(networks_->create({.name = "cntbr0", .config = kConfig}));
  test::NetworkProcess container;
  const auto plan = networks_->attach(nic("c1", kMac1));
  ASSERT_OK(plan);
  start(container, {*plan});
  const std::string expected = address(*plan, IpFamily::kV4);
  ASSERT_TRUE(container.succeeds({"ip", "-4", "address", "flush", "dev", "eth0"}));
  const auto asked = container.run({"busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "5", "-s", "/bin/true"});
  ASSERT_OK(asked);
  EXPECT_NE((asked->output + asked->errors).find("lease of " + expected + " obtained"), std::string::npos)
      << asked->output << asked->errors;
  const auto leases = networks_->leases("cntbr0");
  ASSERT_OK(leases);
  EXPECT_EQ((*leases)[0].type, "gateway");
  EXPECT_EQ((*leases)[0].hostname, "cntbr0.gw");
  const auto count = std::count_if(leases->begin(), leases->end(), [&](const Lease& one) { return one.address == expected; });
  EXPECT_EQ(count, 1);
}

// The outside has no route to the bridge's subnet: an answer comes back only through NAT.
TEST_F(NetworkRoot, NatLetsInstancesReachTheOutside) {
  test::NetworkProcess outside, container;
  netlink::Batch batch;
  netlink::add_veth(batch, {.host_name = "cntup0", .peer_place = netlink::PeerInNamespace{outside.network_namespace().get()}});
  ASSERT_OK(socket_->send(batch));
  ASSERT_TRUE(outside.succeeds({"ip", "address", "add", "203.0.113.2/24", "dev", "eth0"}));
  ASSERT_TRUE(outside.succeeds({"ip", "address", "add", "2001:db8:77::2/64", "dev", "eth0", "nodad"}));
  ASSERT_TRUE(outside.succeeds({"ip", "link", "set", "eth0", "up"}));
  netlink::Batch up;
  const auto uplink = netlink::find_link(*socket_, "cntup0");
  ASSERT_OK(uplink);
  netlink::add_address(up, uplink->index, *netlink::parse_prefix("a", "203.0.113.1/24"));
  netlink::add_address(up, uplink->index, *netlink::parse_prefix("a", "2001:db8:77::1/64"));
  ASSERT_OK(socket_->send(up));

  ASSERT_OK(networks_->create({.name = "cntbr0", .config = kConfig}));
  const auto plan = networks_->attach(nic("c1", kMac1));
  ASSERT_OK(plan);
  start(container, {*plan});
  EXPECT_TRUE(ping(container, "203.0.113.2"));
  EXPECT_TRUE(ping(container, "2001:db8:77::2"));

  Config without = kConfig;
  without["ipv4.nat"] = "false";
  ASSERT_OK(networks_->update({.name = "cntbr0", .config = without}));
  EXPECT_FALSE(container.succeeds({"busybox", "ping", "-c1", "-W1", "203.0.113.2"}));
}

TEST_F(NetworkRoot, KilledDaemonFindsItsNetworksAndTheirDnsmasqAgain) {
  ASSERT_OK(networks_->create({.name = "cntbr0", .config = kConfig}));
  const auto plan = networks_->attach(nic("c1", kMac1));
  ASSERT_OK(plan);
  const std::string pid = pid_of(state_dir_, "cntbr0");
  const auto index = netlink::find_link(*socket_, "cntbr0")->index;
  reopen();
  EXPECT_EQ(pid_of(state_dir_, "cntbr0"), pid);
  EXPECT_TRUE(has_process(pid));
  EXPECT_EQ(netlink::find_link(*socket_, "cntbr0")->index, index);
  const auto again = networks_->attach(nic("c1", kMac1));
  ASSERT_OK(again);
  EXPECT_EQ(again->addresses, plan->addresses);
  EXPECT_NE(again->host_name, plan->host_name);
}

TEST_F(NetworkRoot, EverythingLostIsMadeAgainAtStart) {
  ASSERT_OK(networks_->create({.name = "cntbr0", .config = kConfig}));
  const std::string pid = pid_of(state_dir_, "cntbr0");
  output_of("busybox", {"kill", "-9", pid});
  output_of("ip", {"link", "delete", "cntbr0"});
  output_of("nft", {"flush", "ruleset"});
  reopen();
  EXPECT_TRUE(netlink::find_link(*socket_, "cntbr0").ok());
  EXPECT_NE(pid_of(state_dir_, "cntbr0"), pid);
  EXPECT_NE(output_of("nft", {"list", "ruleset"}).find("masquerade"), std::string::npos);
  EXPECT_EQ(networks_->get("cntbr0")->status, "Created");
}

TEST_F(NetworkRoot, SubnetInUseIsRefusedNamingItAndNothingIsLeft) {
  ASSERT_OK(networks_->create({.name = "cntbr0", .config = kConfig}));
  output_of("ip", {"link", "add", "cntdummy", "type", "bridge"});
  output_of("ip", {"address", "add", "10.215.0.1/16", "dev", "cntdummy"});
  const auto same = networks_->create({.name = "cntbr1", .config = {{"ipv4.address", "10.214.7.129/25"}, {"ipv6.address", "none"}}});
  ASSERT_FALSE(same.ok());
  EXPECT_EQ(same.error().kind(), ErrorKind::kInvalid);
  EXPECT_NE(same.error().message().find("10.214.7.0/24"), std::string::npos) << same.error().message();
  EXPECT_NE(same.error().message().find("network cntbr0"), std::string::npos) << same.error().message();
  const auto host = networks_->create({.name = "cntbr1", .config = {{"ipv4.address", "10.215.3.1/24"}, {"ipv6.address", "none"}}});
  ASSERT_FALSE(host.ok());
  EXPECT_NE(host.error().message().find("cntdummy"), std::string::npos) << host.error().message();
  EXPECT_FALSE(netlink::find_link(*socket_, "cntbr1").ok());
  EXPECT_EQ(networks_->create({.name = "cntdummy"}).error().kind(), ErrorKind::kExists);
  EXPECT_EQ(networks_->create({.name = "cntbr0"}).error().kind(), ErrorKind::kExists);
}

TEST_F(NetworkRoot, RefusedDnsmasqTextIsNamedAndTheOldNetworkStays) {
  ASSERT_OK(networks_->create({.name = "cntbr0", .config = kConfig}));
  const std::string pid = pid_of(state_dir_, "cntbr0");
  Config bad = kConfig;
  bad["raw.dnsmasq"] = "no-such-option=1";
  bad["ipv4.address"] = "10.216.7.1/24";
  const auto updated = networks_->update({.name = "cntbr0", .config = bad});
  ASSERT_FALSE(updated.ok());
  EXPECT_EQ(updated.error().kind(), ErrorKind::kInvalid);
  EXPECT_NE(updated.error().message().find("raw.dnsmasq"), std::string::npos) << updated.error().message();
  EXPECT_EQ(networks_->get("cntbr0")->config, kConfig);
  EXPECT_EQ(networks_->get("cntbr0")->status, "Created");
  EXPECT_EQ(networks_->state("cntbr0")->interface.addresses[0].address, "10.214.7.1");
  EXPECT_TRUE(has_process(pid));
  const auto created = networks_->create({.name = "cntbr1", .config = {{"raw.dnsmasq", "no-such-option=1"}}});
  EXPECT_FALSE(created.ok());
  EXPECT_FALSE(netlink::find_link(*socket_, "cntbr1").ok());
  EXPECT_FALSE(path_exists(state_dir_ + "/networks/cntbr1"));
}

TEST_F(NetworkRoot, UpdateMovesTheBridgeToAnotherSubnet) {
  ASSERT_OK(networks_->create({.name = "cntbr0", .config = kConfig}));
  const auto before = networks_->attach(nic("c1", kMac1));
  ASSERT_OK(before);
  ASSERT_OK(networks_->update({.name = "cntbr0", .description = "moved",
                               .config = {{"ipv4.address", "10.217.7.1/24"}, {"bridge.mtu", "1400"}}}));
  const auto state = networks_->state("cntbr0");
  EXPECT_EQ(state->interface.mtu, 1400);
  std::vector<std::string> global;
  for (const auto& one : state->interface.addresses) {
    if (one.scope == "global") global.push_back(one.address);
  }
  EXPECT_EQ(global, std::vector<std::string>{"10.217.7.1"});
  EXPECT_EQ(networks_->get("cntbr0")->description, "moved");
  const auto after = networks_->attach(nic("c1", kMac1));
  ASSERT_OK(after);
  ASSERT_EQ(after->addresses.size(), 1u);
  EXPECT_TRUE(address(*after, IpFamily::kV4).starts_with("10.217.7."));
}

TEST_F(NetworkRoot, UsedNetworkIsNeitherRemovedNorRenamedAnUnusedOneIs) {
  ASSERT_OK(networks_->create({.name = "cntbr0", .config = kConfig}));
  users_ = {"/1.0/instances/c1"};
  EXPECT_EQ(networks_->remove("cntbr0").error().what(), "The network is currently in use");
  EXPECT_FALSE(networks_->rename("cntbr0", "cntbr9").ok());
  EXPECT_EQ(networks_->get("cntbr0")->used_by, users_);
  users_.clear();
  ASSERT_OK(networks_->rename("cntbr0", "cntbr9"));
  EXPECT_TRUE(netlink::find_link(*socket_, "cntbr9").ok());
  EXPECT_FALSE(netlink::find_link(*socket_, "cntbr0").ok());
  EXPECT_FALSE(path_exists(state_dir_ + "/networks/cntbr0"));
  reopen();
  EXPECT_EQ(networks_->get("cntbr9")->config, kConfig);
}

TEST_F(NetworkRoot, ListsOtherInterfacesAsUnmanaged) {
  ASSERT_OK(networks_->create({.name = "cntbr0", .config = kConfig}));
  const auto list = networks_->list();
  ASSERT_OK(list);
  ASSERT_GE(list->size(), 2u);
  EXPECT_EQ((*list)[0].name, "cntbr0");
  const auto lo = std::find_if(list->begin(), list->end(), [](const Network& one) { return one.name == "lo"; });
  ASSERT_NE(lo, list->end());
  EXPECT_EQ(lo->type, "loopback");
  EXPECT_FALSE(lo->managed);
}

}  // namespace
}  // namespace cella::manager
