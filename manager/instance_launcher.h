// Starting a container and giving back what a run held, each as one sequence.
#pragma once

#include <memory>

#include "base/result.h"
#include "manager/cpu_balance.h"
#include "manager/instance_set.h"
#include "manager/instance_surroundings.h"
#include "manager/step_clock.h"

namespace cella::manager {

class InstanceFiles;

// Thread-safe: the entry's `run` lock orders work on one instance. around, balance and files outlive it.
class InstanceLauncher {
 public:
  InstanceLauncher(const InstanceSurroundings& around, CpuBalance& balance, InstanceFiles& files)
      : around_(around), balance_(balance), files_(files) {}

  // Starts a stopped instance: root, devices, network, cgroup, launch, then one commit. A failure leaves nothing behind
  // and the instance stopped. The caller holds entry->run.
  // Errors: kInvalid (no root disk, protected), kUnsupported (a limit without its controller), what a step met.
  Result<void> start(const EntryPtr& entry);

  // Init has ended (or was found gone): network, records and cgroup are given back and the instance is stopped. What
  // fails is logged and retried at the next start of the daemon. The caller holds entry->run.
  // kLost: it ended while nobody looked (the host went down): its power state stays, so that it is started again.
  enum class Next { kStopped, kRestarts, kLost };
  void finish(const EntryPtr& entry, Next next);

 private:
  struct Launch;
  struct Wanted;
  Result<void> launch(const Wanted& wanted, StepClock& clock);
  Result<void> carry_out(Launch& launch);
  void log_launch(const std::string& instance, const LaunchTrace& trace, const Result<void>& outcome);
  Result<void> settle_id_range(InstanceRecord& record, const EntryPtr& entry, const SecuritySettings& security);
  void save_console(const std::string& instance);
  Result<void> prepare(Launch& launch);
  Result<void> render_templates(Launch& launch);
  Result<void> prepare_binds(Launch& launch);
  Result<void> prepare_dev(Launch& launch);
  Result<void> prepare_network(Launch& launch);
  Result<void> prepare_cgroup(Launch& launch);
  Result<void> attach_device_filter(Launch& launch);
  Result<void> run(Launch& launch);
  Result<void> start_proxies(Launch& launch);
  Result<void> commit(Launch& launch);

  const InstanceSurroundings& around_;
  CpuBalance& balance_;
  InstanceFiles& files_;
};

// "lxc.payload.NAME", the cgroup of an instance unless another manager holds that name already.
std::string cgroup_name(const std::string& instance);

}  // namespace cella::manager
