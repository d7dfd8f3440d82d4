#include "manager/network.h"

#include "manager/network_subnets.h"
#include "netlink/inner_batch.h"

namespace cella::manager {

LaunchNetwork combine(const std::vector<NicPlan>& plans) {
  netlink::Batch host;
  netlink::Batch inner = netlink::inner_batch({});
  LaunchNetwork network;
  for (const NicPlan& plan : plans) {
    const std::size_t moved = host.append(plan.host_batch);
    for (const std::size_t offset : plan.pid_offsets) network.pid_offsets.push_back(moved + offset);
    inner.append(plan.inner_batch);
  }
  network.host_batch = host.bytes();
  network.inner_batch = inner.bytes();
  return network;
}

std::string random_mac() {
  const auto random = system_random();
  netlink::MacAddress mac{{0x00, 0x16, 0x3E}};
  for (std::size_t i = 3; i < 6; ++i) mac.bytes[i] = static_cast<std::uint8_t>(random(256));
  return netlink::format(mac);
}

}  // namespace cella::manager
