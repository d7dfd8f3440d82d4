// System call filters of instances: compiled once per choice, shared by all that make it.
#pragma once

#include <linux/filter.h>

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/seccomp_choices.h"

namespace cella::manager {

using SeccompProgram = std::shared_ptr<const std::vector<sock_filter>>;

// Thread-safe.
class SeccompPrograms {
 public:
  // Errors: those of runtime::compile_seccomp().
  Result<SeccompProgram> get(const runtime::SeccompChoices& choices) const;

 private:
  mutable std::mutex mutex_;
  mutable std::map<runtime::SeccompChoices, SeccompProgram> programs_;
};

}  // namespace cella::manager
