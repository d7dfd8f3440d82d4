#include "storage/overlay_options.h"

#include <algorithm>

namespace cella::storage {

std::vector<OverlayOption> overlay_behaviour() {
  return {{"source", "cella"}, {"redirect_dir", "on"}, {"index", "off"}, {"metacopy", "off"}, {"xino", "auto"}};
}

Result<std::vector<OverlayOption>> overlay_layer_strings(const std::string& lower, const std::string& upper,
                                                         const std::string& work) {
  std::vector<OverlayOption> options{{"lowerdir", lower}, {"upperdir", upper}, {"workdir", work}};
  for (const OverlayOption& option : options) {
    const bool bad = option.value.empty() || std::any_of(option.value.begin(), option.value.end(), [](char c) {
                       return c == ':' || c == ',' || c == '\\' || static_cast<unsigned char>(c) < 32;
                     });
    if (bad) return invalid_value(option.key, option.value, "not usable as an overlay layer");
  }
  return options;
}

}  // namespace cella::storage
