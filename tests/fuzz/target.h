// A fuzz target: one function that feeds bytes nobody vouches for to one parser and checks what must always hold.
//
//   FUZZ_TARGET(filter) { … text … }
//
// registers itself under its file's name. With libFuzzer a program holds one target; unit_fuzz holds them all and runs
// them on the seeds of tests/fuzz/seeds/NAME/.
#pragma once

#include <string_view>
#include <vector>

namespace cella::fuzz {

struct Target {
  std::string_view name;
  void (*run)(std::string_view text);
};

// In order of registration; complete once main() runs.
std::vector<Target>& targets();

struct Registration {
  Registration(std::string_view name, void (*run)(std::string_view));
};

// Ends the process with the text on stderr when the property does not hold.
void require(bool holds, std::string_view property);

}  // namespace cella::fuzz

#define FUZZ_TARGET(name)                                                          \
  static void run_##name(std::string_view);                                        \
  static const ::cella::fuzz::Registration registration_##name(#name, run_##name); \
  static void run_##name(std::string_view text)
