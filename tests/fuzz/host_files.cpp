// Files that others write and cella reads: dnsmasq's leases, /proc and cgroup files, the subordinate ids.
#include "cgroups/events.h"
#include "cgroups/io.h"
#include "cgroups/lines.h"
#include "cgroups/notation.h"
#include "cgroups/psi.h"
#include "manager/leases.h"
#include "manager/stop_signal.h"
#include "runtime/keeper_process.h"
#include "tests/fuzz/target.h"

namespace cella {

FUZZ_TARGET(host_files) {
  for (const manager::DhcpLease& lease : manager::parse_leases(text))
    fuzz::require(!lease.address.empty(), "a lease has an address");
  (void)manager::parse_signal_masks(text);
  (void)runtime::parse_stat(text);
  (void)runtime::parse_cgroup(text);
  (void)cgroups::parse_events(text);
  (void)cgroups::parse_io_max(text);
  (void)cgroups::parse_io_stat(text);
  (void)cgroups::parse_pressure(text);
  (void)cgroups::parse_memory_total(text);
  (void)cgroups::find_flat(text, "populated");
}

}  // namespace cella
