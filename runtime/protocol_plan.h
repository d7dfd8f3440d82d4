// Launch and exec requests: the plans on the wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime/client.h"
#include "runtime/exec_plan.h"
#include "runtime/plan.h"

namespace cella::runtime::protocol {

// Descriptors: what the plan's indexes mean, in order.
struct LaunchRequest {
  std::string name;
  LaunchPlan plan;
};

// Descriptors: the leaf cgroup, the socket the child reports to, then the three streams unless plan.terminal is set.
struct ExecRequest {
  std::string name;
  ExecId id;
  ExecPlan plan;
};

// The message (header with kind and id, then the body).
// Errors: kInvalid when it is longer than kMaxMessage.
Result<std::string> encode_launch(std::uint64_t id, const std::string& name, const LaunchPlan& plan);
Result<std::string> encode_exec(std::uint64_t id, const std::string& name, ExecId exec, const ExecPlan& plan);

// Errors: kInvalid when the body is cut short, too long, or holds a value out of range. The plans' meaning is checked by
// check_launch_plan and check_exec_plan.
Result<LaunchRequest> decode_launch(std::string_view message);
Result<ExecRequest> decode_exec(std::string_view message);

}  // namespace cella::runtime::protocol
