#include "manager/custom_volume_index.h"

#include <yaml-cpp/yaml.h>

#include "manager/custom_volume_config.h"
#include "manager/index_members.h"
#include "manager/snapshot_names.h"

namespace cella::manager {
namespace {

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
  out << YAML::Key << "created_at" << YAML::Value << index_time(record.created_at);
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

Result<VolumeRecord> read_record(const YAML::Node& node) {
  if (!node.IsMap()) return bad_index("config.volume", "not a map");
  VolumeRecord record;
  record.key.name = TRY(read_text(node, "name"));
  record.description = TRY(read_text(node, "description"));
  record.content = TRY(parse_content(TRY(read_text(node, "content_type"))));
  record.created_at = TRY(read_time(node, "created_at")).value_or(std::chrono::system_clock::now());
  record.expires_at = TRY(read_time(node, "expires_at"));
  record.config = TRY(read_map(node, "config"));
  return record;
}

// A snapshot may become a volume, so what is noted of it must do for one.
Result<Config> snapshot_config(Config config, const VolumeRecord& volume) {
  config = cleaned_volume_config(std::move(config));
  if (volume.content == VolumeContent::kBlock && !config.contains("size")) {
    const auto size = volume.config.find("size");
    if (size == volume.config.end()) return bad_index("config.volume_snapshots", "a block volume without size");
    config.emplace(*size);
  }
  TRY(check_volume_config(config, volume.content));
  return config;
}

Result<void> read_snapshots(const YAML::Node& document, const YAML::Node& config, VolumeIndex& index) {
  for (const std::string& name : TRY(read_list(document, "snapshots"))) {
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
    found.config = TRY(snapshot_config(std::move(found.config), index.volume));
    index.snapshots.push_back(std::move(found));
  }
  return kOk;
}

Result<VolumeIndex> read_document(const YAML::Node& document) {
  if (!document.IsMap()) return bad_index("document", "not a map");
  const std::string type = TRY(read_text(document, "type"));
  if (type != "custom")
    return Error(ErrorKind::kUnsupported, "backup of type \"" + type + "\": not of a custom volume");
  if (TRY(read_text(document, "optimized")) == "true") {
    return Error(
        ErrorKind::kUnsupported,
        "optimized backup: its files are in a storage driver's own format; export without --optimized-storage");
  }
  const YAML::Node config = document["config"];
  if (!config || !config.IsMap() || !config["volume"]) return bad_index("config.volume", "missing");
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
    out << YAML::Key << "expires_at" << YAML::Value << index_time(snapshot.expires_at);
    out << YAML::EndMap;
  }
  out << YAML::EndSeq << YAML::EndMap << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

Result<VolumeIndex> parse_volume_index(std::string_view text) {
  try {
    return read_document(YAML::Load(std::string(text)));
  } catch (const std::exception& exception) {
    return bad_index("document", exception.what());
  }
}

}  // namespace cella::manager
