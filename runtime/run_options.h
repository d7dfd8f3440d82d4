// What the user wrote after `cella-runtime run`, checked.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/id_map.h"
#include "base/result.h"
#include "base/units.h"
#include "runtime/capabilities.h"

namespace cella::runtime {

enum class RunNetwork : std::uint8_t { kNone, kHost };
enum class RunRoot : std::uint8_t { kWritable, kReadOnly, kOverlay };

struct RunBind {
  std::string source;  // on the host
  std::string target;  // absolute, inside
  bool read_only = false;
  bool operator==(const RunBind&) const = default;
};

struct RunLimits {
  std::optional<Bytes> memory;
  std::optional<std::uint64_t> cpu_quota_us;  // of each 100 ms
  std::optional<std::uint64_t> pids;
  bool operator==(const RunLimits&) const = default;
};

struct RunOptions {
  std::string rootfs;
  RunRoot root = RunRoot::kWritable;
  IdMap id_map;
  std::string hostname = "cella";
  std::vector<std::string> environment;  // "KEY=value" as given, later ones win
  RunLimits limits;
  RunNetwork network = RunNetwork::kNone;
  CapabilityMask dropped_capabilities = 0;
  std::string seccomp = "default";  // "default", "none" or a file
  bool filters_devices = true;      // a device program on the cgroup
  std::vector<RunBind> binds;
  bool wants_terminal = false;
  std::vector<std::string> command;
};

struct RunHelp {};

// arguments: what follows "run". Errors: kInvalid naming option and value.
Result<std::variant<RunOptions, RunHelp>> parse_run_options(std::span<const std::string> arguments);

// The text of `cella-runtime run --help`.
std::string run_help();

}  // namespace cella::runtime
