// What may be chosen about the system call filter of one container, over the default one.
#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/seccomp.h"

namespace cella::runtime {

struct SeccompChoices {
  bool deny_default = true;  // what default_seccomp_policy() denies
  bool deny_compat = false;  // every call of i386
  // Lines as in LXC's policies ("mkdir errno 1"), for all architectures until an [arch] line. Without an action a call
  // in `deny` kills the process.
  std::string deny;
  // Not empty: only these calls, any other kills the process; nothing else counts then.
  std::string allow;
  auto operator<=>(const SeccompChoices&) const = default;
};

// Errors: kInvalid naming the line.
Result<SeccompPolicy> seccomp_policy(const SeccompChoices& choices);

// The program; empty when nothing is denied: no filter at all. Errors: as above; kInvalid when it is too long.
Result<std::vector<sock_filter>> compile_seccomp(const SeccompChoices& choices);

}  // namespace cella::runtime
