#include "storage/overlay_options.h"

#include <algorithm>

namespace cella::storage {

std::vector<OverlayOption> overlay_behaviour(OverlayPurpose purpose) {
  const bool probe = purpose == OverlayPurpose::kProbe;
  std::vector<OverlayOption> options{{"source", "cella"},
                                     {"redirect_dir", "on"},
                                     {"index", probe ? "on" : "off"},
                                     {"metacopy", "off"},
                                     {"xino", "auto"}};
  if (probe) options.push_back({"volatile", ""});
  return options;
}

Result<std::vector<OverlayOption>> overlay_layer_strings(const std::vector<std::string>& lowers,
                                                         const std::string& upper, const std::string& work) {
  for (const auto& [key, paths] : {std::pair{"lowerdir", lowers}, std::pair{"upperdir", std::vector{upper}},
                                   std::pair{"workdir", std::vector{work}}}) {
    for (const std::string& path : paths) {
      const bool bad = path.empty() || std::any_of(path.begin(), path.end(), [](char c) {
                         return c == ':' || c == ',' || c == '\\' || static_cast<unsigned char>(c) < 32;
                       });
      if (bad) return invalid_value(key, path, "not usable as an overlay layer");
    }
  }
  std::string list;
  for (const std::string& lower : lowers) list += (list.empty() ? "" : ":") + lower;
  if (list.empty() || list.size() > 255) return invalid_value("lowerdir", list, "none or too many overlay layers");
  return std::vector<OverlayOption>{{"lowerdir", list}, {"upperdir", upper}, {"workdir", work}};
}

}  // namespace cella::storage
