#include "cgroups/controller.h"

#include <array>

#include "cgroups/lines.h"

namespace cella::cgroups {

namespace {
constexpr std::array<std::string_view, kControllerCount> kNames = {"cpu",     "cpuset", "io",   "memory",
                                                                   "hugetlb", "pids",   "rdma", "misc"};
}  // namespace

std::string_view controller_name(Controller controller) { return kNames[static_cast<std::size_t>(controller)]; }

std::optional<Controller> find_controller(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<Controller>(i);
  return std::nullopt;
}

ControllerSet ControllerSet::parse(std::string_view text) {
  ControllerSet set;
  for (const std::string_view name : split_words(text))
    if (const auto controller = find_controller(name)) set.add(*controller);
  return set;
}

std::string ControllerSet::text() const {
  std::string text;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (!has(static_cast<Controller>(i))) continue;
    if (!text.empty()) text += ' ';
    text += kNames[i];
  }
  return text;
}

}  // namespace cella::cgroups
