#include "manager/index_members.h"

#include <ctime>

namespace cella::manager {
namespace {

constexpr std::size_t kMaxEntries = 10'000;

}  // namespace

std::string index_time(const std::optional<Timestamp>& time) {
  if (!time || time->time_since_epoch().count() == 0) return "0001-01-01T00:00:00Z";
  const std::time_t seconds = std::chrono::system_clock::to_time_t(*time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

Error bad_index(const std::string& member, const std::string& reason) {
  return Error(ErrorKind::kInvalid, "backup/index.yaml: " + member + ": " + reason);
}

Result<std::string> read_text(const YAML::Node& map, const std::string& name) {
  const YAML::Node node = map[name];
  if (!node || node.IsNull()) return std::string();
  if (!node.IsScalar()) return bad_index(name, "not a plain value");
  if (node.Scalar().find('\0') != std::string::npos) return bad_index(name, "holds a zero byte");
  return node.Scalar();
}

Result<bool> read_truth(const YAML::Node& map, const std::string& name) {
  const std::string text = TRY(read_text(map, name));
  if (text.empty() || text == "false") return false;
  if (text == "true") return true;
  return bad_index(name, "\"" + text.substr(0, 100) + "\" is neither true nor false");
}

Result<std::optional<Timestamp>> read_time(const YAML::Node& map, const std::string& name) {
  const std::string text = TRY(read_text(map, name));
  if (text.empty() || text.starts_with("0001-")) return std::optional<Timestamp>();
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return bad_index(name, "\"" + text.substr(0, 100) + "\" is not a time");
  return std::optional(std::chrono::system_clock::from_time_t(::timegm(&parts)));
}

Result<Config> read_map(const YAML::Node& map, const std::string& name) {
  Config config;
  const YAML::Node node = map[name];
  if (!node || node.IsNull()) return config;
  if (!node.IsMap() || node.size() > kMaxEntries) return bad_index(name, "not a map of bearable size");
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) return bad_index(name, "a key that is no plain value");
    config[entry.first.Scalar()] = TRY(read_text(node, entry.first.Scalar()));
  }
  return config;
}

Result<Devices> read_devices(const YAML::Node& map, const std::string& name) {
  Devices devices;
  const YAML::Node node = map[name];
  if (!node || node.IsNull()) return devices;
  if (!node.IsMap() || node.size() > kMaxEntries) return bad_index(name, "not a map of bearable size");
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) return bad_index(name, "a key that is no plain value");
    devices[entry.first.Scalar()] = TRY(read_map(node, entry.first.Scalar()));
  }
  return devices;
}

Result<std::vector<std::string>> read_list(const YAML::Node& map, const std::string& name) {
  std::vector<std::string> values;
  const YAML::Node node = map[name];
  if (!node || node.IsNull()) return values;
  if (!node.IsSequence() || node.size() > kMaxEntries) return bad_index(name, "not a list of bearable size");
  for (const auto& entry : node) {
    if (!entry.IsScalar()) return bad_index(name, "not a list of plain values");
    values.push_back(entry.Scalar());
  }
  return values;
}

}  // namespace cella::manager
