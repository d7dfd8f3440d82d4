#include "manager/backup_index.h"

#include <yaml-cpp/yaml.h>
#include <algorithm>

#include "manager/index_members.h"
#include "storage/volume.h"

namespace cella::manager {
namespace {


class Writer {
 public:
  void begin() { out_ << YAML::BeginMap; }
  void end() { out_ << YAML::EndMap; }
  void begin_list() { out_ << YAML::BeginSeq; }
  void end_list() { out_ << YAML::EndSeq; }
  void key(const std::string& name) { out_ << YAML::Key << name << YAML::Value; }
  // Always quoted, so that "1" and "true" stay text for every reader.
  void text(const std::string& value) { out_ << YAML::DoubleQuoted << value; }
  void member(const std::string& name, const std::string& value) {
    key(name);
    text(value);
  }
  void time(const std::string& name, const std::optional<Timestamp>& value) {
    key(name);
    out_ << index_time(value);
  }
  template <typename T>
  void plain(const std::string& name, const T& value) {
    key(name);
    out_ << value;
  }
  void map(const std::string& name, const Config& config) {
    key(name);
    begin();
    for (const auto& [entry, value] : config) {
      out_ << YAML::Key << YAML::DoubleQuoted << entry << YAML::Value;
      text(value);
    }
    end();
  }
  void devices(const std::string& name, const Devices& devices) {
    key(name);
    begin();
    for (const auto& [device, config] : devices) map(device, config);
    end();
  }
  void list(const std::string& name, const std::vector<std::string>& values) {
    key(name);
    begin_list();
    for (const auto& value : values) text(value);
    end_list();
  }
  std::string result() const { return std::string(out_.c_str()) + "\n"; }

 private:
  YAML::Emitter out_;
};

void put_instance(Writer& out, const Instance& instance) {
  out.member("architecture", instance.architecture);
  out.map("config", instance.config);
  out.devices("devices", instance.devices);
  out.plain("ephemeral", instance.ephemeral);
  out.list("profiles", instance.profiles);
  out.plain("stateful", false);
  out.member("description", instance.description);
  out.time("created_at", instance.created_at);
  out.map("expanded_config", instance.expanded_config);
  out.devices("expanded_devices", instance.expanded_devices);
  out.member("name", instance.name);
  out.member("status", std::string(status_text(instance.status)));
  out.plain("status_code", static_cast<int>(instance.status));
  out.time("last_used_at", instance.last_used_at);
  out.member("location", "none");
  out.member("type", "container");
  out.member("project", instance.project);
}

void put_snapshot(Writer& out, const SnapshotRecord& snapshot) {
  out.member("architecture", snapshot.architecture);
  out.map("config", snapshot.config);
  out.time("created_at", snapshot.created_at);
  out.devices("devices", snapshot.devices);
  out.plain("ephemeral", snapshot.ephemeral);
  out.map("expanded_config", snapshot.config);
  out.devices("expanded_devices", snapshot.devices);
  out.time("expires_at", snapshot.expires_at);
  out.time("last_used_at", snapshot.last_used_at);
  out.member("name", snapshot.name);
  out.list("profiles", snapshot.profiles);
  out.plain("size", -1);
  out.plain("stateful", false);
}

void put_volume(Writer& out, const Instance& instance) {
  out.key("volume");
  out.begin();
  out.map("config", {});
  out.member("description", "");
  out.member("name", instance.name);
  out.member("type", "container");
  out.list("used_by", {});
  out.member("location", "none");
  out.member("content_type", "filesystem");
  out.member("project", instance.project);
  out.time("created_at", instance.created_at);
  out.end();
}

void put_volume_snapshots(Writer& out, const std::vector<SnapshotRecord>& snapshots) {
  out.key("volume_snapshots");
  out.begin_list();
  for (const auto& snapshot : snapshots) {
    out.begin();
    out.map("config", {});
    out.member("description", "");
    out.time("expires_at", std::nullopt);
    out.member("name", snapshot.name);
    out.member("content_type", "filesystem");
    out.time("created_at", snapshot.created_at);
    out.end();
  }
  out.end_list();
}

void put_profiles(Writer& out, const std::vector<Profile>& profiles) {
  out.key("profiles");
  out.begin_list();
  for (const auto& profile : profiles) {
    out.begin();
    out.map("config", profile.config);
    out.member("description", profile.description);
    out.devices("devices", profile.devices);
    out.member("name", profile.name);
    out.list("used_by", {});
    out.end();
  }
  out.end_list();
}

void put_pool(Writer& out, const Pool& pool) {
  out.key("pool");
  out.begin();
  out.map("config", pool.config);
  out.member("description", pool.description);
  out.member("name", pool.name);
  out.member("driver", pool.driver);
  out.list("used_by", {});
  out.member("status", "Created");
  out.list("locations", {"none"});
  out.end();
}

Result<Instance> read_instance(const YAML::Node& node) {
  Instance instance;
  instance.name = TRY(read_text(node, "name"));
  instance.architecture = TRY(read_text(node, "architecture"));
  instance.description = TRY(read_text(node, "description"));
  instance.config = TRY(read_map(node, "config"));
  instance.devices = TRY(read_devices(node, "devices"));
  instance.expanded_config = TRY(read_map(node, "expanded_config"));
  instance.expanded_devices = TRY(read_devices(node, "expanded_devices"));
  instance.profiles = TRY(read_list(node, "profiles"));
  instance.ephemeral = TRY(read_truth(node, "ephemeral"));
  instance.created_at = TRY(read_time(node, "created_at")).value_or(std::chrono::system_clock::now());
  instance.last_used_at = TRY(read_time(node, "last_used_at")).value_or(Timestamp());
  return instance;
}

Result<SnapshotRecord> read_snapshot(const YAML::Node& node) {
  SnapshotRecord snapshot;
  const std::string name = TRY(read_text(node, "name"));
  snapshot.name = name.substr(name.rfind('/') + 1);
  snapshot.architecture = TRY(read_text(node, "architecture"));
  snapshot.config = TRY(read_map(node, "config"));
  snapshot.devices = TRY(read_devices(node, "devices"));
  snapshot.profiles = TRY(read_list(node, "profiles"));
  snapshot.ephemeral = TRY(read_truth(node, "ephemeral"));
  snapshot.created_at = TRY(read_time(node, "created_at")).value_or(std::chrono::system_clock::now());
  snapshot.last_used_at = TRY(read_time(node, "last_used_at")).value_or(Timestamp());
  snapshot.expires_at = TRY(read_time(node, "expires_at"));
  return snapshot;
}

Result<void> read_snapshots(const YAML::Node& document, const YAML::Node& config, BackupIndex& index) {
  const auto names = TRY(read_list(document, "snapshots"));
  const YAML::Node list = config["snapshots"];
  if (list && !list.IsNull() && !list.IsSequence()) return bad_index("config.snapshots", "not a list");
  for (const auto& name : names) {
    TRY(storage::check_volume_name({storage::VolumeKind::kSnapshot, "instance/" + name}));
    SnapshotRecord found;
    if (list) {
      for (const auto& entry : list) {
        auto snapshot = TRY(read_snapshot(entry));
        if (snapshot.name == name) found = std::move(snapshot);
      }
    }
    if (found.name.empty()) return bad_index("snapshots", "\"" + name + "\" has no configuration in config.snapshots");
    index.snapshots.push_back(std::move(found));
  }
  return kOk;
}

Result<BackupIndex> read_document(const YAML::Node& document) {
  if (!document.IsMap()) return bad_index("document", "not a map");
  const std::string type = TRY(read_text(document, "type"));
  if (!type.empty() && type != "container") {
    return Error(ErrorKind::kUnsupported, "backup of type \"" + type + "\": only containers are served");
  }
  if (TRY(read_truth(document, "optimized"))) {
    return Error(
        ErrorKind::kUnsupported,
        "optimized backup: its files are in a storage driver's own format; export without --optimized-storage");
  }
  const YAML::Node config = document["config"];
  if (!config || !config.IsMap()) {
    return Error(ErrorKind::kUnsupported, "backup without configuration in its index: made by LXD before 4.0");
  }
  const YAML::Node container = config["container"] ? config["container"] : config["instance"];
  if (!container || !container.IsMap()) return bad_index("config.container", "missing");
  BackupIndex index;
  index.name = TRY(read_text(document, "name"));
  index.backend = TRY(read_text(document, "backend"));
  index.pool = TRY(read_text(document, "pool"));
  index.instance = TRY(read_instance(container));
  TRY(read_snapshots(document, config, index));
  return index;
}

void put_config(Writer& out, const BackupIndex& index, const Pool& pool, const std::vector<Profile>& profiles) {
  out.begin();
  out.key("container");
  out.begin();
  put_instance(out, index.instance);
  out.end();
  put_pool(out, pool);
  put_profiles(out, profiles);
  put_volume(out, index.instance);
  out.key("snapshots");
  out.begin_list();
  for (const auto& snapshot : index.snapshots) {
    out.begin();
    put_snapshot(out, snapshot);
    out.end();
  }
  out.end_list();
  put_volume_snapshots(out, index.snapshots);
  out.end();
}

// A number of the id map, which is the kernel's unsigned 32 bits.
std::uint32_t read_id(const YAML::Node& range, const char* name) { return range[name].as<std::uint32_t>(); }

}  // namespace

std::string format_instance_backup(const BackupIndex& index, const Pool& pool, const std::vector<Profile>& profiles) {
  Writer out;
  put_config(out, index, pool, profiles);
  return out.result();
}

Result<std::optional<IdMap>> ids_on_disk(const Config& config) {
  constexpr std::string_view kKey = "volatile.last_state.idmap";
  const auto found = config.find(std::string(kKey));
  if (found == config.end()) return std::optional<IdMap>();
  std::vector<IdRange> users;
  std::vector<IdRange> groups;
  try {
    // JSON is YAML.
    for (const auto& range : YAML::Load(found->second)) {
      const IdRange ids{read_id(range, "Nsid"), read_id(range, "Hostid"), read_id(range, "Maprange")};
      if (range["Isuid"].as<bool>()) users.push_back(ids);
      if (range["Isgid"].as<bool>()) groups.push_back(ids);
    }
  } catch (const YAML::Exception& exception) {
    return invalid_value(kKey, found->second.substr(0, 300), exception.what());
  }
  if (users.empty() && groups.empty()) return std::optional<IdMap>();
  return std::optional(TRY_CONTEXT(kKey, IdMap::create(std::move(users), std::move(groups))));
}

std::string format_backup_index(const BackupIndex& index, const Pool& pool, const std::vector<Profile>& profiles) {
  Writer out;
  std::vector<std::string> names;
  for (const auto& snapshot : index.snapshots) names.push_back(snapshot.name);
  out.begin();
  out.member("name", index.name);
  out.member("backend", index.backend);
  out.member("pool", index.pool);
  out.list("snapshots", names);
  out.plain("optimized", false);
  out.plain("optimized_header", false);
  out.member("type", "container");
  out.key("config");
  put_config(out, index, pool, profiles);
  out.end();
  return out.result();
}

Result<BackupIndex> parse_backup_index(std::string_view text) {
  try {
    return read_document(YAML::Load(std::string(text)));
  } catch (const std::exception& exception) {
    return bad_index("document", exception.what());
  }
}

}  // namespace cella::manager
