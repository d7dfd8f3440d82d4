#include "runtime/seccomp_choices.h"

namespace cella::runtime {

Result<SeccompPolicy> seccomp_policy(const SeccompChoices& choices) {
  if (!choices.allow.empty()) return parse_seccomp_policy("2\nallowlist\n[all]\n" + choices.allow);
  SeccompPolicy policy = TRY(parse_seccomp_policy("2\ndenylist\n[all]\n" + choices.deny));
  if (choices.deny_default) {
    const SeccompPolicy& standard = default_seccomp_policy();
    // Of several rules for a call the first that holds decides: the user's do not weaken the default ones.
    policy.x86_64.insert(policy.x86_64.begin(), standard.x86_64.begin(), standard.x86_64.end());
    policy.i386.insert(policy.i386.begin(), standard.i386.begin(), standard.i386.end());
    policy.newest_call = standard.newest_call;
  }
  policy.denies_i386 = choices.deny_compat;
  return policy;
}

Result<std::vector<sock_filter>> compile_seccomp(const SeccompChoices& choices) {
  const bool nothing = !choices.deny_default && !choices.deny_compat && choices.deny.empty() && choices.allow.empty();
  if (nothing) return std::vector<sock_filter>();
  return compile_seccomp(TRY(seccomp_policy(choices)));
}

}  // namespace cella::runtime
