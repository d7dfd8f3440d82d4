// Values of the manager: profiles put together, a network card's messages.
#include <benchmark/benchmark.h>

#include "manager/merge.h"
#include "manager/network_nic.h"

namespace cella::manager {
namespace {

void merge_profiles(benchmark::State& state) {
  std::vector<Config> configs;
  std::vector<Devices> devices;
  for (int layer = 0; layer < static_cast<int>(state.range(0)); ++layer) {
    auto& config = configs.emplace_back();
    for (int key = 0; key < 20; ++key) config["user.key" + std::to_string(layer * 10 + key)] = std::to_string(layer);
    devices.push_back({{"root", {{"type", "disk"}, {"path", "/"}, {"pool", "default"}}},
                       {"eth" + std::to_string(layer), {{"type", "nic"}, {"network", "cellabr0"}}}});
  }
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < configs.size(); ++i) layers.push_back({&configs[i], &devices[i]});
  for (auto _ : state) benchmark::DoNotOptimize(merge(layers));
}
BENCHMARK(merge_profiles)->Arg(2)->Arg(8);

const Device& usual_nic() {
  static const Device device{{"type", "nic"}, {"network", "cellabr0"}, {"name", "eth0"}};
  return device;
}

void parse_nic_device(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(parse_nic(usual_nic()));
}
BENCHMARK(parse_nic_device);

void encode_nic_batches(benchmark::State& state) {
  const NicSettings settings = parse_nic(usual_nic()).value();
  NicResolution resolution;
  resolution.mac = netlink::parse_mac("hwaddr", "00:16:3e:01:02:03").value();
  resolution.host_name = "veth12345678";
  resolution.host_index = 1u << 20;
  resolution.inner_index = 100;
  resolution.interface_name = "eth0";
  resolution.master = 5;
  resolution.addresses = {{netlink::parse_ip("address", "10.1.2.3").value(), 24},
                          {netlink::parse_ip("address", "fd42::3").value(), 64}};
  resolution.gateways = {netlink::parse_ip("address", "10.1.2.1").value(), netlink::parse_ip("address", "fd42::1").value()};
  for (auto _ : state) benchmark::DoNotOptimize(plan_nic(settings, resolution));
}
BENCHMARK(encode_nic_batches);

}  // namespace
}  // namespace cella::manager
