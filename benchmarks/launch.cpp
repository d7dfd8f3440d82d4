// What is computed before and around a launch, without the kernel's part.
#include <benchmark/benchmark.h>

#include "cgroups/device_program.h"
#include "namespaces/mount_plan.h"
#include "runtime/capabilities.h"
#include "runtime/plan.h"
#include "runtime/protocol_plan.h"
#include "runtime/seccomp.h"

namespace cella {
namespace {

namespaces::MountChoices usual_tree() {
  namespaces::MountChoices choices;
  choices.root_descriptor = 0;
  choices.dev_descriptor = 1;
  return choices;
}

// A system container as the daemon starts it: console, default filter, one network card's worth of netlink bytes.
runtime::LaunchPlan usual_plan() {
  runtime::LaunchPlan plan;
  plan.namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
  plan.uid_map = "0 1000000 65536\n";
  plan.gid_map = plan.uid_map;
  plan.cgroup = 2;
  plan.mounts = namespaces::plan_mounts(usual_tree());
  plan.hostname = "benchmark";
  plan.argv = {"/sbin/init"};
  plan.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=linux", "container=lxc"};
  plan.host_batch = {std::string(280, '\0'), {64}};
  plan.inner_batch.bytes.assign(220, '\0');
  plan.dropped_capabilities = runtime::default_dropped_capabilities();
  plan.seccomp = runtime::compile_seccomp(runtime::default_seccomp_policy()).value();
  return plan;
}

void plan_mounts(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(namespaces::plan_mounts(usual_tree()));
}
BENCHMARK(plan_mounts);

void encode_launch_plan(benchmark::State& state) {
  const auto plan = usual_plan();
  for (auto _ : state) benchmark::DoNotOptimize(runtime::protocol::encode_launch(1, "benchmark", plan));
}
BENCHMARK(encode_launch_plan);

void decode_launch_plan(benchmark::State& state) {
  const auto message = runtime::protocol::encode_launch(1, "benchmark", usual_plan()).value();
  for (auto _ : state) {
    auto request = runtime::protocol::decode_launch(message);
    if (!request.ok()) state.SkipWithError("not decoded");
    benchmark::DoNotOptimize(request);
  }
  state.counters["bytes"] = static_cast<double>(message.size());
}
BENCHMARK(decode_launch_plan);

void check_launch_plan(benchmark::State& state) {
  const auto plan = usual_plan();
  for (auto _ : state) benchmark::DoNotOptimize(runtime::check_launch_plan(plan, 3).ok());
}
BENCHMARK(check_launch_plan);

void compile_default_seccomp(benchmark::State& state) {
  const auto& policy = runtime::default_seccomp_policy();
  for (auto _ : state) benchmark::DoNotOptimize(runtime::compile_seccomp(policy));
}
BENCHMARK(compile_default_seccomp);

void compile_device_program(benchmark::State& state) {
  const auto rules = cgroups::default_device_rules();
  for (auto _ : state) benchmark::DoNotOptimize(cgroups::compile_device_program(rules));
}
BENCHMARK(compile_device_program);

}  // namespace
}  // namespace cella
