// The answer to GET /1.0/instances?recursion=2 with 200 instances.
#include <benchmark/benchmark.h>

#include "api/codec.h"
#include "api/instance.h"

namespace cella::api {
namespace {

InstanceFull usual_instance(int number) {
  InstanceFull full;
  Instance& instance = full.instance;
  instance.architecture = "x86_64";
  instance.name = "instance" + std::to_string(number);
  instance.config = {{"image.architecture", "amd64"}, {"image.description", "Debian bookworm amd64 (20240101)"},
                     {"image.os", "Debian"}, {"image.release", "bookworm"}, {"volatile.eth0.host_name", "veth12345678"},
                     {"volatile.eth0.hwaddr", "00:16:3e:01:02:03"}, {"volatile.idmap.base", "1000000"},
                     {"volatile.last_state.power", "RUNNING"}, {"limits.memory", "1GiB"}};
  instance.expanded_config = instance.config;
  instance.profiles = {"default"};
  instance.expanded_devices = {{"root", {{"type", "disk"}, {"path", "/"}, {"pool", "default"}}},
                               {"eth0", {{"type", "nic"}, {"network", "cellabr0"}}}};
  instance.created_at = instance.last_used_at = "2024-01-01T00:00:00.000000000Z";
  instance.status = "Running";
  instance.status_code = 103;
  instance.type = "container";
  instance.project = "default";
  full.state.emplace();
  full.state->status = "Running";
  full.state->status_code = 103;
  return full;
}

void encode_200_instances(benchmark::State& state) {
  std::vector<InstanceFull> list;
  for (int number = 0; number < 200; ++number) list.push_back(usual_instance(number));
  std::size_t bytes = 0;
  for (auto _ : state) {
    const std::string text = encode_list(list);
    bytes = text.size();
    benchmark::DoNotOptimize(text);
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(encode_200_instances);

}  // namespace
}  // namespace cella::api
