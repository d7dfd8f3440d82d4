// The resource controllers of cgroup v2 and sets of them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace cella::cgroups {

enum class Controller : std::uint8_t { kCpu, kCpuset, kIo, kMemory, kHugetlb, kPids, kRdma, kMisc };
inline constexpr int kControllerCount = 8;

// The kernel's name: "cpu", "cpuset", "io", …
std::string_view controller_name(Controller controller);
std::optional<Controller> find_controller(std::string_view name);

class ControllerSet {
 public:
  constexpr ControllerSet() = default;
  constexpr ControllerSet(std::initializer_list<Controller> controllers) {
    for (const Controller controller : controllers) add(controller);
  }
  // Reads cgroup.controllers or cgroup.subtree_control ("cpuset cpu io memory\n"); names cella does not know are left out.
  static ControllerSet parse(std::string_view text);

  constexpr void add(Controller controller) { bits_ = static_cast<std::uint16_t>(bits_ | bit(controller)); }
  constexpr bool has(Controller controller) const { return (bits_ & bit(controller)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  // The members that `other` lacks.
  constexpr ControllerSet without(ControllerSet other) const {
    ControllerSet left;
    left.bits_ = static_cast<std::uint16_t>(bits_ & ~other.bits_);
    return left;
  }
  // Space-separated names in the order of the enum.
  std::string text() const;
  bool operator==(const ControllerSet&) const = default;

 private:
  static constexpr std::uint16_t bit(Controller controller) {
    return static_cast<std::uint16_t>(1u << static_cast<unsigned>(controller));
  }
  std::uint16_t bits_ = 0;
};

}  // namespace cella::cgroups
