#include <cerrno>

#include "netlink/encoded.h"
#include "netlink/inner_batch.h"
#include "netlink/routes.h"
#include "netlink/shaping.h"
#include "netlink/sysctls.h"
#include "tests/integration/netlink/fixture.h"

namespace cella::netlink {
namespace {

constexpr std::uint32_t kHostIndex = 70001;
constexpr std::uint32_t kInnerIndex = 100;

using LinkRoot = NetlinkRoot;

TEST_F(LinkRoot, MakesABridgeWithItsOptionsAndDeletesIt) {
  Batch batch;
  add_bridge(batch, {.name = "cntbr0", .mac = *parse_mac("m", "00:16:3e:01:02:03"), .mtu = 1400});
  ASSERT_OK(socket_->send(batch));
  const auto link = find_link(*socket_, "cntbr0");
  ASSERT_OK(link);
  EXPECT_EQ(link->kind, "bridge");
  EXPECT_EQ(link->mtu, 1400u);
  EXPECT_EQ(format(link->mac), "00:16:3e:01:02:03");
  ASSERT_TRUE(link->bridge.has_value());
  EXPECT_EQ(link->bridge->id, "8000.00163e010203");
  EXPECT_FALSE(link->bridge->stp);
  EXPECT_FALSE(link->up());
  Batch removal;
  delete_link(removal, LinkRef::by_name("cntbr0"));
  ASSERT_OK(socket_->send(removal));
  EXPECT_EQ(find_link(*socket_, "cntbr0").error().kind(), ErrorKind::kNotFound);
}

TEST_F(LinkRoot, ErrorNamesTheFirstMessageThatFailedAndLaterOnesStillRan) {
  make_bridge("cntbr0");
  Batch batch;
  add_bridge(batch, {.name = "cntbr0"});
  add_bridge(batch, {.name = "cntbr1"});
  const auto sent = socket_->send(batch);
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().errno_value(), EEXIST);
  EXPECT_NE(sent.error().message().find("add bridge cntbr0"), std::string::npos) << sent.error().message();
  EXPECT_TRUE(find_link(*socket_, "cntbr1").ok());
}

TEST_F(LinkRoot, EncodedSendReportsIndexAndErrno) {
  make_bridge("cntbr0");
  Batch batch;
  change_link(batch, LinkRef::by_index(1), {.up = true});
  add_bridge(batch, {.name = "cntbr0"});
  change_link(batch, LinkRef::by_name("missing0"), {.up = true});
  const EncodedOutcome outcome = send_encoded(socket_->fd(), batch.bytes().data(), batch.bytes().size());
  EXPECT_EQ(outcome.error, EEXIST);
  EXPECT_EQ(outcome.failed_message, 1u);
  // Nothing unread is left behind for the next batch.
  EXPECT_TRUE(list_links(*socket_).ok());
}

TEST_F(LinkRoot, VethReachesAnotherNamespaceWithAddressBeforeAnythingRunsThere) {
  test::NetworkProcess container;
  ASSERT_TRUE(container.valid());
  const std::uint32_t bridge = make_bridge("cntbr0");
  Batch host;
  add_address(host, bridge, *parse_prefix("a", "10.211.7.1/24"));
  const PidOffset offset = add_veth(host, {.host_name = "cntveth0", .host_index = kHostIndex, .master = bridge, .up = false,
                                           .peer_index = kInnerIndex,
                                           .peer_mac = *parse_mac("m", "00:16:3e:0a:0b:0c")});
  change_link(host, LinkRef::by_index(kHostIndex), {.up = true, .no_ipv6_address = true});
  set_bridge_port(host, kHostIndex, {.isolated = true, .hairpin = true});
  ASSERT_TRUE(offset.has_value());
  Bytes bytes = host.bytes();
  patch_u32(bytes.data(), *offset, static_cast<std::uint32_t>(container.pid()));
  const EncodedOutcome outcome = send_encoded(socket_->fd(), bytes.data(), bytes.size());
  ASSERT_EQ(outcome.error, 0) << outcome.failed_message;

  auto inside = Socket::open_in(container.network_namespace());
  ASSERT_OK(inside);
  ASSERT_OK(inside->send(inner_batch({{.index = kInnerIndex,
                                       .addresses = {*parse_prefix("a", "10.211.7.9/24")},
                                       .gateways = {*parse_ip("g", "10.211.7.1")}}})));
  const auto eth0 = find_link(*inside, "eth0");
  ASSERT_OK(eth0);
  EXPECT_EQ(eth0->index, kInnerIndex);
  EXPECT_EQ(format(eth0->mac), "00:16:3e:0a:0b:0c");
  EXPECT_EQ(eth0->peer_index, kHostIndex);
  EXPECT_TRUE(container.succeeds({"busybox", "ping", "-c1", "-W2", "10.211.7.1"}));
  EXPECT_GT(find_link(*inside, "eth0")->counters.packets_sent, 0u);
  const auto addresses = list_addresses(*socket_);
  ASSERT_OK(addresses);
  for (const LinkAddress& address : *addresses) EXPECT_NE(address.link_index, kHostIndex);
  const std::string port = output_of("bridge", {"-d", "link", "show", "dev", "cntveth0"});
  EXPECT_NE(port.find("isolated on"), std::string::npos) << port;
  EXPECT_NE(port.find("hairpin on"), std::string::npos) << port;
}

TEST_F(LinkRoot, ChangesNameMtuMacAndAlias) {
  const std::uint32_t index = make_bridge("cntbr0");
  Batch batch;
  change_link(batch, LinkRef::by_index(index), {.up = false});
  change_link(batch, LinkRef::by_index(index), {.name = "cntbr9", .mtu = 1300,
                                                .mac = *parse_mac("m", "00:16:3e:01:02:04"), .alias = "of a test"});
  ASSERT_OK(socket_->send(batch));
  const auto link = find_link(*socket_, "cntbr9");
  ASSERT_OK(link);
  EXPECT_EQ(link->mtu, 1300u);
  EXPECT_EQ(format(link->mac), "00:16:3e:01:02:04");
  EXPECT_EQ(link->alias, "of a test");
}

TEST_F(LinkRoot, ShapesTheQueueAndTakesItBack) {
  const std::uint32_t index = make_bridge("cntbr0");
  Batch batch;
  add_rate_limit(batch, index, 10'000'000);
  ASSERT_OK(socket_->send(batch));
  const std::string shown = output_of("tc", {"class", "show", "dev", "cntbr0"});
  EXPECT_NE(shown.find("rate 10Mbit ceil 10Mbit"), std::string::npos) << shown;
  EXPECT_NE(output_of("tc", {"qdisc", "show", "dev", "cntbr0"}).find("default 0x10"), std::string::npos);
  Batch removal;
  remove_rate_limit(removal, index);
  ASSERT_OK(socket_->send(removal));
  EXPECT_EQ(output_of("tc", {"class", "show", "dev", "cntbr0"}), "");
}

TEST_F(LinkRoot, RoutesAreListedAndDeleted) {
  const std::uint32_t index = make_bridge("cntbr0");
  const RouteSpec route{.destination = *parse_prefix("r", "10.212.0.0/16"), .link_index = index};
  const RouteSpec route6{.destination = *parse_prefix("r", "fd42:9::/48"), .link_index = index};
  Batch batch;
  add_route(batch, route);
  add_route(batch, route6);
  ASSERT_OK(socket_->send(batch));
  const auto count = [&] {
    int found = 0;
    const auto routes = list_routes(*socket_);
    for (const Route& listed : *routes) {
      found += listed.destination == route.destination || listed.destination == route6.destination;
    }
    return found;
  };
  EXPECT_EQ(count(), 2) << output_of("ip", {"route", "show"}) << output_of("ip", {"-6", "route", "show"});
  Batch removal;
  delete_route(removal, route);
  delete_route(removal, route6);
  ASSERT_OK(socket_->send(removal));
  EXPECT_EQ(count(), 0);
}

TEST_F(LinkRoot, LinkSettingsBelongToThisNamespace) {
  make_bridge("cntbr0");
  ASSERT_OK(write_link_setting(IpFamily::kV6, "cntbr0", "accept_ra", "0"));
  EXPECT_EQ(*read_setting("ipv6/conf/cntbr0/accept_ra"), "0");
  EXPECT_EQ(read_setting("ipv6/conf/missing0/accept_ra").error().kind(), ErrorKind::kNotFound);
}

}  // namespace
}  // namespace cella::netlink
