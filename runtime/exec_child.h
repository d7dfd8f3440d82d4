// What an exec'ed process does between clone3 and execve.
#pragma once

#include <cstdint>
#include <linux/filter.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "runtime/exec_plan.h"

namespace cella::runtime {

// Everything the child needs, made before the clone: after it nothing is allocated.
struct ExecChild {
  const char* const* argv = nullptr;        // NUL-terminated strings, null at the end
  const char* const* environment = nullptr;
  const char* const* candidates = nullptr;  // paths to try in order, null at the end
  const char* working_directory = nullptr;
  const gid_t* groups = nullptr;
  std::size_t group_count = 0;
  const ResourceLimit* limits = nullptr;
  std::size_t limit_count = 0;
  const char* oom_score_adj = nullptr;  // text; null: unchanged
  const ExecPlan* plan = nullptr;
  int init_pidfd = -1;
  int procfs = -1;
  int report = -1;
  int streams[3] = {-1, -1, -1};  // not used with a terminal
};

// Joins the container, becomes the program. Failures go to the report socket. Never returns.
[[noreturn]] void become_exec_child(const ExecChild& child) noexcept;

}  // namespace cella::runtime
