#include "netlink/shaping.h"

#include <algorithm>
#include <limits>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace cella::netlink {
namespace {

constexpr std::uint32_t kRoot = 0x00010000;   // 1:
constexpr std::uint32_t kClass = 0x00010010;  // 1:10

tcmsg header(std::uint32_t link_index, std::uint32_t handle, std::uint32_t parent) {
  tcmsg message{};
  message.tcm_family = AF_UNSPEC;
  message.tcm_ifindex = static_cast<int>(link_index);
  message.tcm_handle = handle;
  message.tcm_parent = parent;
  return message;
}

// The time that `bytes` take at this rate, in the kernel's ticks of 64 ns (PSCHED_SHIFT 6).
std::uint32_t ticks(std::uint64_t bytes, std::uint64_t bytes_per_second) {
  const double nanoseconds = static_cast<double>(bytes) * 1e9 / static_cast<double>(bytes_per_second);
  return static_cast<std::uint32_t>(std::min(nanoseconds / 64.0, double{std::numeric_limits<std::uint32_t>::max()}));
}

void put_class(Batch& batch, std::uint64_t bytes_per_second) {
  // Room for four milliseconds, never less than one full frame with its headers.
  const std::uint64_t burst = std::max<std::uint64_t>(bytes_per_second / 250, 1600);
  tc_htb_opt options{};
  const auto low = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes_per_second, 0xFFFFFFFFu));
  options.rate.rate = low;
  options.ceil.rate = low;
  // A known link layer makes the kernel compute transmission times itself instead of asking for a table.
  options.rate.linklayer = TC_LINKLAYER_ETHERNET;
  options.ceil.linklayer = TC_LINKLAYER_ETHERNET;
  options.buffer = ticks(burst, bytes_per_second);
  options.cbuffer = options.buffer;
  options.quantum = 60000;
  const std::size_t nest = batch.open_nest(TCA_OPTIONS);
  if (bytes_per_second > 0xFFFFFFFFu) {
    batch.put_u64(TCA_HTB_RATE64, bytes_per_second);
    batch.put_u64(TCA_HTB_CEIL64, bytes_per_second);
  }
  batch.put_struct(TCA_HTB_PARMS, options);
  batch.close_nest(nest);
}

}  // namespace

void add_rate_limit(Batch& batch, std::uint32_t link_index, std::uint64_t bits_per_second) {
  const std::string link = "link #" + std::to_string(link_index);
  batch.begin(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, "add htb to " + link);
  batch.put_header(header(link_index, kRoot, TC_H_ROOT));
  batch.put_string(TCA_KIND, "htb");
  tc_htb_glob global{};
  global.version = TC_HTB_PROTOVER;
  global.rate2quantum = 10;
  global.defcls = kClass & 0xFFFF;
  const std::size_t nest = batch.open_nest(TCA_OPTIONS);
  batch.put_struct(TCA_HTB_INIT, global);
  batch.close_nest(nest);

  batch.begin(RTM_NEWTCLASS, NLM_F_CREATE | NLM_F_REPLACE, "add htb class to " + link);
  batch.put_header(header(link_index, kClass, kRoot));
  batch.put_string(TCA_KIND, "htb");
  put_class(batch, std::max<std::uint64_t>(bits_per_second / 8, 1));
}

void remove_rate_limit(Batch& batch, std::uint32_t link_index) {
  batch.begin(RTM_DELQDISC, 0, "delete queue of link #" + std::to_string(link_index));
  batch.put_header(header(link_index, 0, TC_H_ROOT));
}

}  // namespace cella::netlink
