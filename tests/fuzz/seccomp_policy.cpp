// raw.seccomp: policies as LXC writes them, and the programs they become.
#include "runtime/seccomp.h"
#include "tests/fuzz/target.h"
#include "tests/support/bpf_interpreter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

namespace cella::runtime {

FUZZ_TARGET(seccomp_policy) {
  const auto policy = parse_seccomp_policy(text);
  if (!policy.ok()) return;
  const auto program = compile_seccomp(*policy);
  if (!program.ok()) return;
  fuzz::require(!program->empty() && program->size() <= 4096, "the kernel takes the program's length");
  for (const std::uint32_t architecture :
       {std::uint32_t{AUDIT_ARCH_X86_64}, std::uint32_t{AUDIT_ARCH_I386}, std::uint32_t{AUDIT_ARCH_AARCH64}}) {
    for (const int number : {-1, 0, 16, 59, 60, 0x40000001, 1000}) {
      seccomp_data call{};
      call.nr = number;
      call.arch = architecture;
      fuzz::require(test::run_seccomp(*program, call).has_value(), "every call gets a verdict");
    }
  }
}

}  // namespace cella::runtime
