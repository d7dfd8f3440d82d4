#include "manager/kernel_modules.h"

#include <algorithm>

#include "base/files.h"
#include "base/spawn.h"
#include "base/units.h"

namespace cella::manager {
namespace {

constexpr std::size_t kLongestName = 55;  // MODULE_NAME_LEN of the kernel

bool is_name(std::string_view text) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !text.empty() && text.size() <= kLongestName && text.front() != '-' &&
         text.find_first_not_of(kAllowed) == std::string_view::npos;
}

// The kernel writes "_" for "-".
bool is_loaded(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return path_exists("/sys/module/" + name);
}

}  // namespace

Result<std::vector<std::string>> parse_kernel_modules(std::string_view key, std::string_view value) {
  std::vector<std::string> names;
  for (std::string_view rest = value; !rest.empty();) {
    const auto end = std::min(rest.find(','), rest.size());
    auto name = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto begin = std::min(name.find_first_not_of(' '), name.size());
    name = name.substr(begin, name.find_last_not_of(' ') + 1 - begin);
    if (!is_name(name)) return invalid_value(key, value, "\"" + std::string(name) + "\" is no module name");
    names.emplace_back(name);
  }
  return names;
}

Result<void> load_kernel_modules(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (is_loaded(name)) continue;
    Program modprobe;
    modprobe.path = "modprobe";
    modprobe.arguments = {"--use-blacklist", "--", name};
    TRY_CONTEXT("linux.kernel_modules: " + name, run_checked(modprobe));
  }
  return kOk;
}

}  // namespace cella::manager
