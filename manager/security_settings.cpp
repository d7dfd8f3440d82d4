#include "manager/security_settings.h"

#include "base/units.h"
#include "manager/device_rules.h"
#include "manager/kernel_modules.h"

namespace cella::manager {
namespace {

constexpr std::uint64_t kHighestId = 0xfffffffe;

Result<bool> flag(const Config& config, const std::string& key, bool absent) {
  const auto& text = device_value(config, key);
  if (text.empty()) return absent;
  return parse_bool(key, text);
}

Result<std::uint32_t> parse_id(std::string_view key, std::string_view value, std::uint64_t least) {
  const auto number = TRY(parse_unsigned(key, value));
  if (number < least || number > kHighestId) {
    return invalid_value(key, value, "must be from " + std::to_string(least) + " to " + std::to_string(kHighestId));
  }
  return static_cast<std::uint32_t>(number);
}

Result<runtime::SeccompChoices> seccomp_choices(const Config& config) {
  const std::string prefix = "security.syscalls.";
  runtime::SeccompChoices choices;
  choices.deny_default = TRY(flag(config, prefix + "deny_default", choices.deny_default));
  choices.deny_compat = TRY(flag(config, prefix + "deny_compat", choices.deny_compat));
  choices.deny = device_value(config, prefix + "deny");
  choices.allow = device_value(config, prefix + "allow");
  const bool denies = !choices.deny.empty() || choices.deny_compat ||
                      (choices.deny_default && !device_value(config, prefix + "deny_default").empty());
  if (!choices.allow.empty() && denies) {
    return Error(ErrorKind::kInvalid, prefix + "allow excludes " + prefix + "deny, deny_default and deny_compat");
  }
  return choices;
}

}  // namespace

Result<SecuritySettings> build_security(const Config& config) {
  SecuritySettings settings;
  settings.seccomp = TRY(seccomp_choices(config));
  if (const auto& base = device_value(config, "security.idmap.base"); !base.empty()) {
    settings.ids.base = TRY(parse_id("security.idmap.base", base, 1));
  }
  if (const auto& size = device_value(config, "security.idmap.size"); !size.empty()) {
    settings.ids.size = TRY(parse_id("security.idmap.size", size, kRangeSize));
  }
  settings.raw_ids = TRY(parse_raw_idmap("raw.idmap", device_value(config, "raw.idmap")));
  settings.nesting = TRY(flag(config, "security.nesting", settings.nesting));
  settings.kernel_modules =
      TRY(parse_kernel_modules("linux.kernel_modules", device_value(config, "linux.kernel_modules")));
  return settings;
}

Result<void> check_syscalls(std::string_view key, std::string_view value) {
  runtime::SeccompChoices choices;
  (key.ends_with(".allow") ? choices.allow : choices.deny) = value;
  const auto policy = runtime::seccomp_policy(choices);
  if (!policy.ok()) return invalid_value(key, value, policy.error().message());
  return kOk;
}

Result<void> check_id_base(std::string_view key, std::string_view value) {
  TRY(parse_id(key, value, 1));
  return kOk;
}

Result<void> check_id_size(std::string_view key, std::string_view value) {
  TRY(parse_id(key, value, kRangeSize));
  return kOk;
}

}  // namespace cella::manager
