#include "manager/custom_volume_index.h"

#include <yaml-cpp/yaml.h>
#include <ctime>

#include "manager/snapshot_names.h"

namespace cella::manager {
namespace {

constexpr std::size_t kMaxEntries = 10'000;

std::string time_text(const std::optional<Timestamp>& time) {
  if (!time) return "0001-01-01T00:00:00Z";
  const std::time_t seconds = std::chrono::system_clock::to_time_t(*time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

// Texts are always quoted, so that "1" and "true" stay text for every reader.
void put_text(YAML::Emitter& out, const char* name, const std::string& value) {
  out << YAML::Key << name << YAML::Value << YAML::DoubleQuoted << value;
}

void put_common(YAML::Emitter& out, const VolumeRecord& record, const std::string& name) {
  out << YAML::Key << "config" << YAML::Value << YAML::BeginMap;
  for (const auto& [key, value] : record.config)
    out << YAML::Key << YAML::DoubleQuoted << key << YAML::Value << YAML::DoubleQuoted << value;
  out << YAML::EndMap;
  put_text(out, "description", record.description);
  put_text(out, "name", name);
  put_text(out, "content_type", std::string(content_text(record.content)));
  out << YAML::Key << "created_at" << YAML::Value << time_text(record.created_at);
}

void put_volume(YAML::Emitter& out, const VolumeRecord& volume) {
  out << YAML::Key << "volume" << YAML::Value << YAML::BeginMap;
  put_common(out, volume, volume.key.name);
  put_text(out, "type", "custom");
  out << YAML::Key << "used_by" << YAML::Value << YAML::Flow << YAML::BeginSeq << YAML::EndSeq;
  put_text(out, "location", "none");
  put_text(out, "project", volume.key.project);
  out << YAML::EndMap;
}

// Reading: every member may be missing; a wrong type is an error.

Error bad(const std::string& member, const std::string& reason) {
  return Error(ErrorKind::kInvalid, "backup/index.yaml: " + member + ": " + reason);
}

Result<std::string> read_text(const YAML::Node& map, const std::string& name) {
  const YAML::Node node = map[name];
  if (!node || node.IsNull()) return std::string();
  if (!node.IsScalar()) return bad(name, "not a plain value");
  if (node.Scalar().find('\0') != std::string::npos) return bad(name, "holds a zero byte");
  return node.Scalar();
}

Result<std::optional<Timestamp>> read_time(const YAML::Node& map, const std::string& name) {
  const std::string text = TRY(read_text(map, name));
  if (text.empty() || text.starts_with("0001-")) return std::optional<Timestamp>();
  std::tm parts{};
  if (::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr)
    return bad(name, "\"" + text.substr(0, 100) + "\" is not a time");
  return std::optional(std::chrono::system_clock::from_time_t(::timegm(&parts)));
}

Result<VolumeRecord> read_record(const YAML::Node& node) {
  if (!node.IsMap()) return bad("config.volume", "not a map");
  VolumeRecord record;
  record.key.name = TRY(read_text(node, "name"));
  record.description = TRY(read_text(node, "description"));
  record.content = TRY(parse_content(TRY(read_text(node, "content_type"))));
  record.created_at = TRY(read_time(node, "created_at")).value_or(std::chrono::system_clock::now());
  record.expires_at = TRY(read_time(node, "expires_at"));
  const YAML::Node config = node["config"];
  if (!config || config.IsNull()) return record;
  if (!config.IsMap() || config.size() > kMaxEntries) return bad("config", "not a map of bearable size");
  for (const auto& entry : config) {
    if (!entry.first.IsScalar()) return bad("config", "a key that is no plain value");
    record.config[entry.first.Scalar()] = TRY(read_text(config, entry.first.Scalar()));
  }
  return record;
}

Result<void> read_snapshots(const YAML::Node& document, const YAML::Node& config, VolumeIndex& index) {
  const YAML::Node names = document["snapshots"];
  if (!names || names.IsNull()) return kOk;
  if (!names.IsSequence() || names.size() > kMaxEntries) return bad("snapshots", "not a list of bearable size");
  for (const auto& entry : names) {
    if (!entry.IsScalar()) return bad("snapshots", "not a list of plain values");
    const std::string name = entry.Scalar();
    TRY(check_snapshot_name(name));
    VolumeRecord found = index.volume;
    found.expires_at.reset();
    const YAML::Node list = config["volume_snapshots"];
    if (list && list.IsSequence()) {
      for (const auto& one : list) {
        VolumeRecord record = TRY(read_record(one));
        if (record.key.name.substr(record.key.name.rfind('/') + 1) == name) found = std::move(record);
      }
    }
    found.content = index.volume.content;
    found.snapshot = name;
    index.snapshots.push_back(std::move(found));
  }
  return kOk;
}

Result<VolumeIndex> read_document(const YAML::Node& document) {
  if (!document.IsMap()) return bad("document", "not a map");
  const std::string type = TRY(read_text(document, "type"));
  if (type != "custom")
    return Error(ErrorKind::kUnsupported, "backup of type \"" + type + "\": not of a custom volume");
  if (TRY(read_text(document, "optimized")) == "true") {
    return Error(
        ErrorKind::kUnsupported,
        "optimized backup: its files are in a storage driver's own format; export without --optimized-storage");
  }
  const YAML::Node config = document["config"];
  if (!config || !config.IsMap() || !config["volume"]) return bad("config.volume", "missing");
  VolumeIndex index;
  index.backend = TRY(read_text(document, "backend"));
  index.volume = TRY(read_record(config["volume"]));
  TRY(read_snapshots(document, config, index));
  return index;
}

}  // namespace

std::string format_volume_index(const VolumeIndex& index) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  put_text(out, "name", index.volume.key.name);
  put_text(out, "backend", index.backend);
  put_text(out, "pool", index.volume.key.pool);
  out << YAML::Key << "snapshots" << YAML::Value << YAML::BeginSeq;
  for (const VolumeRecord& snapshot : index.snapshots) out << YAML::DoubleQuoted << snapshot.snapshot;
  out << YAML::EndSeq;
  out << YAML::Key << "optimized" << YAML::Value << false;
  out << YAML::Key << "optimized_header" << YAML::Value << false;
  put_text(out, "type", "custom");
  out << YAML::Key << "config" << YAML::Value << YAML::BeginMap;
  put_volume(out, index.volume);
  out << YAML::Key << "volume_snapshots" << YAML::Value << YAML::BeginSeq;
  for (const VolumeRecord& snapshot : index.snapshots) {
    out << YAML::BeginMap;
    put_common(out, snapshot, snapshot.snapshot);
    out << YAML::Key << "expires_at" << YAML::Value << time_text(snapshot.expires_at);
    out << YAML::EndMap;
  }
  out << YAML::EndSeq << YAML::EndMap << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

Result<VolumeIndex> parse_volume_index(std::string_view text) {
  try {
    return read_document(YAML::Load(std::string(text)));
  } catch (const std::exception& exception) {
    return bad("document", exception.what());
  }
}

}  // namespace cella::manager
