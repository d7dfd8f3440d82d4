// metadata.yaml of images, read with bounds: it comes from whoever made the image.
#include <sys/utsname.h>
#include <yaml-cpp/yaml.h>
#include <algorithm>
#include <limits>

#include "manager/images.h"

namespace cella::manager {
namespace {

constexpr std::size_t kMaxText = 1u << 20;
constexpr std::size_t kMaxEntries = 1000;
constexpr std::size_t kMaxValue = 16384;

Error bad(const std::string& key, const std::string& reason) {
  return Error(ErrorKind::kInvalid, "metadata.yaml: " + key + ": " + reason);
}

Result<std::string> text_of(const YAML::Node& node, const std::string& key) {
  if (!node.IsScalar()) return bad(key, "not a plain value");
  const std::string& text = node.Scalar();
  if (text.size() > kMaxValue) return bad(key, "longer than " + std::to_string(kMaxValue) + " bytes");
  if (text.find('\0') != std::string::npos) return bad(key, "holds a zero byte");
  return text;
}

Result<std::int64_t> seconds_of(const YAML::Node& node, const std::string& key) {
  const std::string text = TRY(text_of(node, key));
  // Some builders write 1.6e9 or 1600000000.5: the seconds count.
  std::size_t used = 0;
  try {
    const double seconds = std::stod(text, &used);
    if (used == text.size() && seconds >= 0 && seconds < 253402300800.0) return static_cast<std::int64_t>(seconds);
  } catch (const std::exception&) {
    used = 0;
  }
  return bad(key, "\"" + text.substr(0, 100) + "\" is not a time in seconds since 1970");
}

Result<std::map<std::string, std::string>> texts_of(const YAML::Node& node, const std::string& key) {
  std::map<std::string, std::string> result;
  if (!node || node.IsNull()) return result;
  if (!node.IsMap()) return bad(key, "not a map");
  if (node.size() > kMaxEntries) return bad(key, "more than " + std::to_string(kMaxEntries) + " entries");
  for (const auto& entry : node) {
    const std::string name = TRY(text_of(entry.first, key));
    if (name.empty()) return bad(key, "an empty name");
    result[name] = entry.second.IsNull() ? std::string() : TRY(text_of(entry.second, key + "." + name));
  }
  return result;
}

Result<ImageTemplate> template_of(const std::string& path, const YAML::Node& node) {
  const std::string key = "templates." + path;
  if (path.empty() || path[0] != '/' || path.find("/../") != std::string::npos || path.ends_with("/.."))
    return bad(key, "not an absolute path");
  if (!node.IsMap()) return bad(key, "not a map");
  ImageTemplate result;
  result.path = path;
  if (const YAML::Node when = node["when"]) {
    if (!when.IsSequence() || when.size() > 16) return bad(key + ".when", "not a short list");
    for (const auto& entry : when) result.when.push_back(TRY(text_of(entry, key + ".when")));
  }
  if (!node["template"]) return bad(key + ".template", "missing");
  result.source = TRY(text_of(node["template"], key + ".template"));
  // A name in templates/, nothing that could lead elsewhere.
  if (result.source.empty() || result.source.find('/') != std::string::npos || result.source == "." ||
      result.source == "..")
    return bad(key + ".template", "\"" + result.source + "\" is not a plain file name");
  if (const YAML::Node only = node["create_only"]) {
    const std::string text = TRY(text_of(only, key + ".create_only"));
    if (text != "true" && text != "false")
      return bad(key + ".create_only", "\"" + text + "\" is neither true nor false");
    result.create_only = text == "true";
  }
  result.properties = TRY(texts_of(node["properties"], key + ".properties"));
  return result;
}

Result<ImageMetadata> read_document(const YAML::Node& document) {
  if (!document.IsMap()) return bad("document", "not a map");
  ImageMetadata metadata;
  if (!document["architecture"]) return bad("architecture", "missing");
  metadata.architecture = TRY(text_of(document["architecture"], "architecture"));
  if (metadata.architecture.empty()) return bad("architecture", "empty");
  if (!document["creation_date"]) return bad("creation_date", "missing");
  metadata.creation_date = TRY(seconds_of(document["creation_date"], "creation_date"));
  if (const YAML::Node expiry = document["expiry_date"]) metadata.expiry_date = TRY(seconds_of(expiry, "expiry_date"));
  metadata.properties = TRY(texts_of(document["properties"], "properties"));
  const YAML::Node templates = document["templates"];
  if (!templates || templates.IsNull()) return metadata;
  if (!templates.IsMap() || templates.size() > kMaxEntries) return bad("templates", "not a map of bearable size");
  for (const auto& entry : templates)
    metadata.templates.push_back(TRY(template_of(TRY(text_of(entry.first, "templates")), entry.second)));
  return metadata;
}

}  // namespace

std::string host_architecture() {
  utsname name{};
  return ::uname(&name) == 0 ? name.machine : "unknown";
}

Result<ImageMetadata> parse_image_metadata(std::string_view text) {
  if (text.size() > kMaxText) return bad("document", "longer than 1 MiB");
  try {
    return read_document(YAML::Load(std::string(text)));
  } catch (const std::exception& exception) {
    return bad("document", exception.what());
  }
}

}  // namespace cella::manager
