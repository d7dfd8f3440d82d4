#include "tests/fuzz/target.h"

#include <cstdio>
#include <cstdlib>

namespace cella::fuzz {

std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}

Registration::Registration(std::string_view name, void (*run)(std::string_view)) { targets().push_back({name, run}); }

void require(bool holds, std::string_view property) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(property.size()), property.data());
  std::abort();
}

}  // namespace cella::fuzz
