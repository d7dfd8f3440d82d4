// The mounts of `run`: the root, /dev and what the user binds, all detached, made for the container's user namespace.
#pragma once

#include <vector>

#include "base/fd.h"
#include "runtime/plan.h"
#include "runtime/run_options.h"

namespace cella::runtime {

// What was opened before the clone, so that a wrong path is told before anything is made.
struct RunSources {
  Fd rootfs;
  std::vector<Fd> binds;  // as RunOptions::binds
};

// Errors: kNotFound, kInvalid when the rootfs is no directory; they name option and path.
Result<RunSources> open_run_sources(const RunOptions& options);

// The mount plan whose late descriptors start at `first`: root, /dev, (the host's /sys,) binds, in this order.
namespaces::MountPlan plan_run_mounts(const RunOptions& options, const RunSources& sources, DescriptorIndex first);

// Makes the detached mounts in that order.
Result<std::vector<Fd>> make_run_mounts(const RunOptions& options, const RunSources& sources, const Fd& user_namespace);

}  // namespace cella::runtime
