#include "manager/config_keys.h"

namespace cella::manager {
namespace {

bool matches(const KeyRule& rule, std::string_view key) {
  if (!rule.name.ends_with('*')) return rule.name == key;
  const auto prefix = rule.name.substr(0, rule.name.size() - 1);
  return key.size() > prefix.size() && key.starts_with(prefix);
}

Result<void> check_key(const std::string& key, const std::string& value, ConfigOwner owner) {
  const KeyRule* rule = find_key_rule(key);
  if (rule == nullptr) return Error(ErrorKind::kInvalid, "unknown configuration key: " + key);
  if (owner == ConfigOwner::kProfile && (key.starts_with("volatile.") || key.starts_with("image."))) {
    return Error(ErrorKind::kInvalid, "key " + key + " can only be set on an instance");
  }
  if (!rule->refused.empty()) {
    return Error(ErrorKind::kUnsupported, "key " + key + " is not supported: " + std::string(rule->refused));
  }
  if (rule->check != nullptr && !value.empty()) TRY(rule->check(key, value));
  return kOk;
}

}  // namespace

const KeyRule* find_key_rule(std::string_view key) {
  for (const KeyRule& rule : key_rules()) {
    if (matches(rule, key)) return &rule;
  }
  return nullptr;
}

Result<void> check_config(const Config& config, ConfigOwner owner) {
  for (const auto& [key, value] : config) TRY(check_key(key, value, owner));
  return kOk;
}

}  // namespace cella::manager
