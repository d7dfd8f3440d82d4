// Policies written as LXC writes them: "2", a list kind with its default, then sections of calls.
#include <linux/seccomp.h>
#include <cerrno>
#include <string>

#include "base/units.h"
#include "runtime/seccomp.h"
#include "runtime/seccomp_calls.h"

namespace cella::runtime {
namespace {

enum class Section : std::uint8_t { kBoth, kX86_64, kI386, kOther };

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    if (const std::string_view part = trim(text.substr(0, end)); !part.empty()) parts.push_back(part);
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

Result<std::uint64_t> parse_number(std::string_view text) {
  if (!text.starts_with("0x")) return parse_unsigned("number", text);
  std::uint64_t value = 0;
  const std::string_view digits = text.substr(2);
  if (digits.empty() || digits.size() > 16) return invalid_value("number", text, "not a hexadecimal number");
  for (const char digit : digits) {
    const std::size_t at = std::string_view("0123456789abcdef").find(static_cast<char>(digit | 0x20));
    if (at == std::string_view::npos) return invalid_value("number", text, "not a hexadecimal number");
    value = value << 4 | at;
  }
  return value;
}

Result<SeccompCompare> parse_compare(std::string_view text) {
  if (text == "SCMP_CMP_EQ" || text == "==") return SeccompCompare::kEqual;
  if (text == "SCMP_CMP_NE" || text == "!=") return SeccompCompare::kNotEqual;
  if (text == "SCMP_CMP_LT" || text == "<") return SeccompCompare::kLess;
  if (text == "SCMP_CMP_LE" || text == "<=") return SeccompCompare::kLessOrEqual;
  if (text == "SCMP_CMP_GT" || text == ">") return SeccompCompare::kGreater;
  if (text == "SCMP_CMP_GE" || text == ">=") return SeccompCompare::kGreaterOrEqual;
  if (text == "SCMP_CMP_MASKED_EQ" || text == "&=") return SeccompCompare::kMasked;
  return invalid_value("comparison", text, "unknown");
}

// "index,value,comparison[,mask]" as in lxc.container.conf(5); for SCMP_CMP_MASKED_EQ value is compared under mask.
Result<SeccompCondition> parse_condition(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, ',');
  if (parts.size() < 3 || parts.size() > 4) return invalid_value("condition", text, "not [index,value,comparison]");
  SeccompCondition condition;
  const std::uint64_t index = TRY(parse_number(parts[0]));
  if (index > 5) return invalid_value("argument index", parts[0], "must be 0 to 5");
  condition.argument = static_cast<std::uint32_t>(index);
  condition.value = TRY(parse_number(parts[1]));
  condition.compare = TRY(parse_compare(parts[2]));
  const bool masked = condition.compare == SeccompCompare::kMasked;
  if (masked != (parts.size() == 4)) return invalid_value("condition", text, "a mask belongs to SCMP_CMP_MASKED_EQ");
  if (masked) condition.mask = TRY(parse_number(parts[3]));
  return condition;
}

// "allow", "kill", "trap", "log" or "errno N"; takes its words off the front.
Result<SeccompAction> take_action(std::vector<std::string_view>& words) {
  const std::string_view word = words.front();
  words.erase(words.begin());
  if (word == "allow") return SeccompAction{SECCOMP_RET_ALLOW};
  if (word == "kill") return SeccompAction{SECCOMP_RET_KILL_PROCESS};
  if (word == "trap") return SeccompAction{SECCOMP_RET_TRAP};
  if (word == "log") return SeccompAction{SECCOMP_RET_LOG};
  if (word != "errno") return invalid_value("action", word, "must be allow, kill, trap, log or errno N");
  if (words.empty()) return invalid_value("action", word, "needs a number");
  const std::uint64_t number = TRY(parse_number(words.front()));
  if (number > 4095) return invalid_value("errno", words.front(), "must be 0 to 4095");
  words.erase(words.begin());
  return SeccompAction{SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(number)};
}

// The file as it is being read.
class PolicyReader {
 public:
  Result<void> take_line(std::string_view line) {
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) return kOk;
    if (!has_version_) return take_version(line);
    if (!has_list_) return take_list(split(line, ' '));
    if (line.front() == '[') return take_section(line);
    return take_rule(line);
  }

  Result<SeccompPolicy> finish() && {
    if (!has_list_) return Error(ErrorKind::kInvalid, "no denylist or allowlist line");
    return std::move(policy_);
  }

 private:
  Result<void> take_version(std::string_view line) {
    if (line != "2") return invalid_value("version", line, "must be 2");
    has_version_ = true;
    return kOk;
  }

  Result<void> take_list(std::vector<std::string_view> words) {
    const std::string_view kind = words.front();
    words.erase(words.begin());
    const bool denies = kind == "denylist" || kind == "blacklist";
    if (!denies && kind != "allowlist" && kind != "whitelist")
      return invalid_value("list", kind, "must be denylist or allowlist");
    rule_action_ = denies ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ALLOW;
    policy_.default_action = denies ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS;
    // The action on this line is what LXC applies to everything that is not listed (allowlist) or listed (denylist).
    if (!words.empty()) (denies ? rule_action_ : policy_.default_action) = TRY(take_action(words));
    if (!words.empty()) return invalid_value("list", words.front(), "unexpected");
    has_list_ = true;
    return kOk;
  }

  Result<void> take_section(std::string_view line) {
    section_ = Section::kOther;
    if (line == "[all]") section_ = Section::kBoth;
    if (line == "[x86_64]") section_ = Section::kX86_64;
    if (line == "[x86]" || line == "[i386]") section_ = Section::kI386;
    if (section_ == Section::kOther && line != "[x32]" && line != "[arm]" && line != "[arm64]")
      return invalid_value("section", line, "must be [all], [x86_64], [x86], [x32], [arm] or [arm64]");
    return kOk;
  }

  // "NAME [ACTION] [CONDITION]...", a condition in brackets; "reject_force_umount" is LXC's own word.
  Result<void> take_rule(std::string_view line) {
    SeccompRule rule{.action = rule_action_};
    std::size_t bracket = line.find('[');
    std::vector<std::string_view> words = split(line.substr(0, bracket), ' ');
    if (words.empty()) return invalid_value("rule", line, "no system call");
    const std::string_view name = words.front();
    words.erase(words.begin());
    if (!words.empty()) rule.action = TRY(take_action(words));
    if (!words.empty()) return invalid_value("rule", words.front(), "unexpected");
    while (bracket != std::string_view::npos) {
      const std::size_t end = line.find(']', bracket);
      if (end == std::string_view::npos) return invalid_value("condition", line.substr(bracket), "no closing bracket");
      rule.conditions.push_back(TRY(parse_condition(line.substr(bracket + 1, end - bracket - 1))));
      bracket = line.find('[', end);
    }
    if (name == "reject_force_umount") return add_force_umount();
    return add(name, rule);
  }

  Result<void> add_force_umount() {
    SeccompRule rule{.action = SECCOMP_RET_ERRNO | EACCES};
    rule.conditions.push_back({.argument = 1, .compare = SeccompCompare::kMasked, .value = 1, .mask = 1});
    return add("umount2", rule);
  }

  Result<void> add(std::string_view name, SeccompRule rule) {
    const NamedCall* call = find_call(name);
    if (call == nullptr) return invalid_value("system call", name, "unknown");
    const bool native = section_ == Section::kBoth || section_ == Section::kX86_64;
    const bool compat = section_ == Section::kBoth || section_ == Section::kI386;
    if (compat && call->i386 >= 0) {
      rule.call = static_cast<std::uint32_t>(call->i386);
      policy_.i386.push_back(rule);
    }
    if (native && call->x86_64 >= 0) {
      rule.call = static_cast<std::uint32_t>(call->x86_64);
      policy_.x86_64.push_back(std::move(rule));
    }
    return kOk;
  }

  SeccompPolicy policy_;
  SeccompAction rule_action_ = 0;
  Section section_ = Section::kBoth;
  bool has_version_ = false;
  bool has_list_ = false;
};

}  // namespace

Result<SeccompPolicy> parse_seccomp_policy(std::string_view text) {
  PolicyReader reader;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    ++number;
    TRY_CONTEXT("line " + std::to_string(number), reader.take_line(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return std::move(reader).finish();
}

}  // namespace cella::runtime
