// One launch, fully resolved: numbers, byte strings and indexes into a vector of descriptors. No names to look up and
// no defaults to fill in, so that whoever executes it (the keeper, `cella-runtime run`) never interprets what a user
// typed. Everything is a std::vector, std::string or integer, so that runtime/protocol can put it on the wire.
#pragma once

#include <linux/filter.h>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "namespaces/mount_plan.h"

namespace cella::runtime {

// Index into the descriptors that travel beside the plan.
using DescriptorIndex = std::int32_t;
inline constexpr DescriptorIndex kNoDescriptor = -1;

// A resource limit, set from outside with prlimit(2) before the container's first instruction.
struct ResourceLimit {
  std::uint32_t resource = 0;  // RLIMIT_*
  std::uint64_t soft = 0;      // RLIM_INFINITY is ~0
  std::uint64_t hard = 0;
  bool operator==(const ResourceLimit&) const = default;
};

// A sysctl of one of the container's namespaces: name below /proc/sys with slashes ("net/ipv4/ip_forward").
struct Sysctl {
  std::string name;
  std::string value;
  bool operator==(const Sysctl&) const = default;
};

// Netlink messages as bytes, sent in one send(2); every message in it must carry NLM_F_ACK.
// pid_offsets: where the launcher writes the child's pid as a native u32 (IFLA_NET_NS_PID) before it sends.
struct NetlinkBatch {
  std::string bytes;
  std::vector<std::uint32_t> pid_offsets;
  bool operator==(const NetlinkBatch&) const = default;
};

// Where init's descriptors 0, 1 and 2 come from.
enum class StandardStreams : std::uint8_t {
  kConsole,      // a new pty of the container's devpts, also bound on /dev/console; its master goes to the launcher
  kDescriptors,  // LaunchPlan::streams
  kInherit,      // the launcher's own 0, 1, 2 (`run` without --tty)
};

struct LaunchPlan {
  std::uint64_t namespaces = 0;  // CLONE_NEW* for clone3; CLONE_NEWUSER and CLONE_NEWNS are required
  std::string uid_map;           // text for /proc/PID/uid_map, as IdMap::users_text()
  std::string gid_map;

  DescriptorIndex cgroup = kNoDescriptor;  // cgroup v2 directory for CLONE_INTO_CGROUP; none: the launcher's own
  namespaces::MountPlan mounts;

  std::string hostname;    // empty: the host's stays (copied into the UTS namespace)
  std::string domainname;  // empty: unchanged

  std::vector<std::string> argv;              // argv[0] is looked up by its path only; no search in PATH
  std::string executable;                     // path given to execve; empty: argv[0]
  std::vector<std::string> more_executables;  // tried in order while the one before does not exist (a search in PATH)
  std::vector<std::string> environment;       // "KEY=value", the whole environment
  std::string working_directory = "/";
  std::uint32_t user = 0;  // container ids of the first process
  std::uint32_t group = 0;
  std::vector<std::uint32_t> groups;

  StandardStreams standard_streams = StandardStreams::kConsole;
  std::array<DescriptorIndex, 3> streams = {kNoDescriptor, kNoDescriptor, kNoDescriptor};  // with kDescriptors
  std::uint16_t console_rows = 0;  // first window size of the console; 0: unset
  std::uint16_t console_columns = 0;

  NetlinkBatch host_batch;   // sent by the launcher in its own network namespace once the child exists
  NetlinkBatch inner_batch;  // sent by the child in its network namespace before init starts

  std::vector<ResourceLimit> resource_limits;
  std::vector<Sysctl> sysctls;  // written by the child to its own new procfs
  bool has_oom_score_adj = false;
  std::int32_t oom_score_adj = 0;  // -1000..1000

  std::uint64_t dropped_capabilities = 0;  // bit per CAP_*, removed from the bounding set
  std::vector<sock_filter> seccomp;        // empty: no filter
  bool no_new_privileges = false;
  std::string session_keyring;      // name of the new session keyring; empty: none is joined
  bool dies_with_launcher = false;  // PR_SET_PDEATHSIG SIGKILL (`run`; never the keeper)
};

// The steps of a launch, in the order they happen. Numbers are wire format: append only.
enum class LaunchStep : std::uint32_t {
  kClone = 0,
  kIdMap,
  kLateMounts,  // mounts that need the new user namespace (`run`); made after kGo, beside the child's work
  kResourceLimits,
  kOomScore,
  kHostNetwork,  // host_batch
  kGo,           // handing the child its go
  kChildDied,    // the child was killed before it reported (first suspect: a cgroup that was killed once)
  kIds,          // child from here on: setgroups, setresgid, setresuid
  kFilesystems,  // proc, sysfs, … made (not yet attached); LaunchFailure::index is the mount step
  kRoot,         // root switch
  kMounts,       // LaunchFailure::index is the mount step
  kSysctls,      // index is the sysctl
  kConsole,
  kHostname,
  kInnerNetwork,  // index is the message in inner_batch
  kKeyring,
  kStreams,
  kWorkingDirectory,
  kCapabilities,
  kSeccomp,
  kDescriptors,  // closing everything above 2
  kExecute,
};
inline constexpr std::size_t kLaunchStepCount = static_cast<std::size_t>(LaunchStep::kExecute) + 1;

// "clone", "id_map", "late_mounts", …
std::string_view launch_step_name(LaunchStep step);

// How long each step took, in nanoseconds; 0 for a step that did not happen. kExecute is the time from the child's
// report until the kernel had replaced its image (seen by the launcher). total_ns: launch() entered to execve done.
struct LaunchTimings {
  std::array<std::uint64_t, kLaunchStepCount> step_ns{};
  std::uint64_t total_ns = 0;
};

// Why a launch failed. No process is left over when one of these is returned.
struct LaunchFailure {
  LaunchStep step = LaunchStep::kClone;
  std::int32_t errno_value = 0;
  std::uint32_t index = 0;  // which mount step, sysctl, message or limit, where the step has several
};

// The failure as an Error: kind by errno (kNotFound for a missing executable), text with the step and the object of
// the plan it failed on, for example `launch: mounts: attach /dev/net/tun`.
Error launch_error(const LaunchPlan& plan, const LaunchFailure& failure);

// Checks what can be checked without the kernel: descriptor indexes below descriptor_count, namespaces, argv present,
// no NUL bytes, at most kMaxFilesystems file systems, pid offsets inside the batch. Errors: kInvalid naming the field.
Result<void> check_launch_plan(const LaunchPlan& plan, std::size_t descriptor_count);

}  // namespace cella::runtime
