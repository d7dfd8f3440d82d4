#include "netlink/message.h"

#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "netlink/dump.h"
#include "netlink/encoded.h"
#include "netlink/inner_batch.h"
#include "netlink/links.h"
#include "netlink/routes.h"
#include "netlink/shaping.h"

namespace cella::netlink {
namespace {

std::vector<MessageView> messages_of(const Batch& batch) {
  auto messages = split_messages(batch.bytes());
  EXPECT_TRUE(messages.ok());
  return messages.ok() ? *messages : std::vector<MessageView>{};
}

TEST(Batch, NumbersMessagesAndKeepsLengthsWhole) {
  Batch batch;
  change_link(batch, LinkRef::by_index(1), {.up = true});
  change_link(batch, LinkRef::by_name("eth0"), {.mtu = 1400});
  const auto messages = messages_of(batch);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].header.nlmsg_seq, 1u);
  EXPECT_EQ(messages[1].header.nlmsg_seq, 2u);
  for (const auto& message : messages) {
    EXPECT_EQ(message.header.nlmsg_flags & (NLM_F_REQUEST | NLM_F_ACK), NLM_F_REQUEST | NLM_F_ACK);
  }
  const Link named = decode_link(messages[1]);
  EXPECT_EQ(named.name, "eth0");
  EXPECT_EQ(named.mtu, 1400u);
}

TEST(Batch, AppendRenumbersAndMovesOffsets) {
  Batch first;
  change_link(first, LinkRef::by_index(1), {.up = true});
  Batch second;
  const PidOffset offset = add_veth(second, {.host_name = "vethx"});
  ASSERT_TRUE(offset.has_value());
  const std::size_t moved = first.append(second);
  const auto messages = messages_of(first);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[1].header.nlmsg_seq, 2u);
  EXPECT_EQ(first.labels()[1], "add veth vethx");
  std::uint32_t value = 0;
  std::memcpy(&value, first.bytes().data() + moved + *offset, sizeof value);
  EXPECT_EQ(value, 0u);
}

TEST(Batch, RefusesTruncatedBuffers) {
  Batch batch;
  change_link(batch, LinkRef::by_index(1), {.up = true});
  const BytesView whole(batch.bytes());
  for (std::size_t size = 1; size < whole.size(); ++size) EXPECT_FALSE(split_messages(whole.first(size)).ok()) << size;
}

TEST(Veth, IsOneMessageWithPeerInTheProcessToBe) {
  const MacAddress mac = *parse_mac("hwaddr", "00:16:3e:00:00:07");
  Batch batch;
  const PidOffset offset = add_veth(batch, {.host_name = "veth12345678", .host_index = 4711, .mtu = 1400, .master = 9,
                                            .peer_name = "eth0", .peer_index = 100, .peer_mac = mac});
  ASSERT_TRUE(offset.has_value());
  Bytes patched = batch.bytes();
  patch_u32(patched.data(), *offset, 4242);
  const auto messages = split_messages(patched);
  ASSERT_TRUE(messages.ok());
  ASSERT_EQ(messages->size(), 1u);
  const MessageView& message = (*messages)[0];
  EXPECT_EQ(message.header.nlmsg_type, RTM_NEWLINK);
  EXPECT_EQ(message.header.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  const auto fixed = message.fixed<ifinfomsg>();
  EXPECT_EQ(fixed.ifi_index, 4711);
  EXPECT_EQ(fixed.ifi_flags & 1u, 1u);
  const auto attributes = split_attributes(message.attributes(sizeof fixed));
  EXPECT_EQ(find_attribute(attributes, IFLA_IFNAME)->text(), "veth12345678");
  EXPECT_EQ(find_attribute(attributes, IFLA_MASTER)->u32(), 9u);
  const auto info = split_attributes(find_attribute(attributes, IFLA_LINKINFO)->value);
  EXPECT_EQ(find_attribute(info, IFLA_INFO_KIND)->text(), "veth");
  const auto data = split_attributes(find_attribute(info, IFLA_INFO_DATA)->value);
  const BytesView peer = find_attribute(data, VETH_INFO_PEER)->value;
  ifinfomsg peer_fixed{};
  std::memcpy(&peer_fixed, peer.data(), sizeof peer_fixed);
  EXPECT_EQ(peer_fixed.ifi_index, 100);
  const auto peer_attributes = split_attributes(peer.subspan(sizeof peer_fixed));
  EXPECT_EQ(find_attribute(peer_attributes, IFLA_IFNAME)->text(), "eth0");
  EXPECT_EQ(find_attribute(peer_attributes, IFLA_MTU)->u32(), 1400u);
  EXPECT_EQ(find_attribute(peer_attributes, IFLA_NET_NS_PID)->u32(), 4242u);
  EXPECT_EQ(Bytes(find_attribute(peer_attributes, IFLA_ADDRESS)->value.begin(),
                  find_attribute(peer_attributes, IFLA_ADDRESS)->value.end()),
            Bytes(mac.bytes.begin(), mac.bytes.end()));
}

TEST(Veth, WithNamespaceDescriptorHasNoPlaceForThePid) {
  Batch batch;
  EXPECT_FALSE(add_veth(batch, {.host_name = "vethx", .peer_place = PeerInNamespace{7}}).has_value());
}

TEST(InnerBatch, BringsLoUpFirstThenEachLinkItsAddressesAndRoutes) {
  const Batch batch = inner_batch({{.index = 100,
                                    .addresses = {*parse_prefix("a", "10.1.2.3/24"), *parse_prefix("a", "fd42::3/64")},
                                    .gateways = {*parse_ip("g", "10.1.2.1"), *parse_ip("g", "fd42::1")}}});
  const auto messages = messages_of(batch);
  ASSERT_EQ(messages.size(), 6u);
  EXPECT_EQ(messages[0].fixed<ifinfomsg>().ifi_index, 1);
  EXPECT_EQ(messages[1].fixed<ifinfomsg>().ifi_index, 100);
  const auto v4 = decode_address(messages[2]);
  ASSERT_TRUE(v4.has_value());
  EXPECT_EQ(format(v4->address), "10.1.2.3/24");
  EXPECT_EQ(v4->link_index, 100u);
  EXPECT_EQ(messages[3].fixed<ifaddrmsg>().ifa_flags & IFA_F_NODAD, IFA_F_NODAD);
  const auto route = decode_route(messages[5]);
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(format(route->destination), "::/0");
  EXPECT_EQ(format(*route->gateway), "fd42::1");
  EXPECT_EQ(route->link_index, 100u);
}

TEST(InnerBatch, WithoutLinksStillBringsLoUp) { EXPECT_EQ(inner_batch({}).message_count(), 1u); }

TEST(Shaping, StatesRateInBytesPerSecond) {
  Batch batch;
  add_rate_limit(batch, 5, 10'000'000);
  add_rate_limit(batch, 5, 80'000'000'000);
  const auto messages = messages_of(batch);
  ASSERT_EQ(messages.size(), 4u);
  const auto options = [&](std::size_t index) {
    const auto attributes = split_attributes(messages[index].attributes(sizeof(tcmsg)));
    return split_attributes(find_attribute(attributes, TCA_OPTIONS)->value);
  };
  const auto parameters = options(1);
  EXPECT_EQ(find_attribute(parameters, TCA_HTB_RATE64), nullptr);
  tc_htb_opt small{};
  std::memcpy(&small, find_attribute(parameters, TCA_HTB_PARMS)->value.data(), sizeof small);
  EXPECT_EQ(small.rate.rate, 1'250'000u);
  // 5000 bytes (4 ms) at 1.25 MB/s are 4 ms = 62500 ticks of 64 ns.
  EXPECT_EQ(small.buffer, 62500u);
  EXPECT_EQ(find_attribute(options(3), TCA_HTB_RATE64)->u64(), 10'000'000'000u);
}

}  // namespace
}  // namespace cella::netlink
