#include "cli/preseed.h"

#include "api/server.h"
#include "cli/object.h"
#include "cli/yaml.h"

namespace cella::cli {
namespace {

constexpr std::string_view kModel =
    R"({"config":0,"networks":0,"storage_pools":0,"profiles":0,"projects":0,"cluster":0})";

template <typename T>
Result<std::vector<T>> list_member(std::string_view json, std::string_view name) {
  const std::string text = api::member_text(json, name);
  if (text.empty()) return std::vector<T>{};
  return TRY_CONTEXT(name, api::decode_list<T>(text));
}

Result<void> refuse_unsupported(std::string_view json) {
  const std::string cluster = api::member_text(json, "cluster");
  if (!cluster.empty() && cluster != "{}")
    return Error(ErrorKind::kUnsupported, "cluster: this server has no clustering");
  for (const auto& [project] : TRY(list_member<api::InProject>(json, "networks"))) {
    if (project.empty() || project == "default") continue;
    return Error(ErrorKind::kUnsupported, "networks: project \"" + project +
                                              "\": projects have no networks of their own here; those of the project "
                                              "default are used");
  }
  return kOk;
}

Result<void> read_profiles(std::string_view json, Preseed& preseed) {
  auto profiles = TRY(list_member<api::ProfileCreate>(json, "profiles"));
  const auto places = TRY(list_member<api::InProject>(json, "profiles"));
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    const std::string& project = places.at(i).project;
    auto& among = project.empty() || project == "default" ? preseed.profiles : preseed.project_profiles[project];
    among.push_back(std::move(profiles[i]));
  }
  return kOk;
}

std::string format_profiles(const Preseed& preseed) {
  std::string list = api::encode_list(preseed.profiles);
  for (const auto& [project, profiles] : preseed.project_profiles) {
    for (const auto& profile : profiles) {
      std::string text = api::encode(profile);
      text.pop_back();
      list.pop_back();
      list += (list.size() > 1 ? "," : "") + text + ",\"project\":" + api::quote(project) + "}]";
    }
  }
  return list;
}

Result<std::vector<api::ProfileCreate>> profiles_of(Server& server, const std::string& query) {
  std::vector<api::ProfileCreate> profiles;
  for (const auto& profile : TRY(server.list<api::Profile>("/1.0/profiles?recursion=1" + query))) {
    profiles.push_back({.config = profile.config,
                        .description = profile.description,
                        .devices = profile.devices,
                        .name = profile.name});
  }
  return profiles;
}

Result<void> read_projects(Server& server, Preseed& preseed) {
  preseed.profiles = TRY(profiles_of(server, "&project=default"));
  for (const auto& project : TRY(server.list<api::Project>("/1.0/projects?recursion=1"))) {
    preseed.projects.push_back(
        {.config = project.config, .description = project.description, .name = project.name});
    const auto own = project.config.find("features.profiles");
    if (project.name == "default" || own == project.config.end() || own->second != "true") continue;
    preseed.project_profiles[project.name] = TRY(profiles_of(server, "&project=" + project.name));
  }
  return kOk;
}

bool is_internal(const std::string& key) { return key.starts_with("volatile."); }

api::ConfigMap without_internal(api::ConfigMap config) {
  std::erase_if(config, [](const auto& pair) { return is_internal(pair.first); });
  return config;
}

}  // namespace

Result<Preseed> parse_preseed(const std::string& yaml) {
  const std::string json = TRY(json_of_yaml(yaml));
  TRY(refuse_unknown_members(json, kModel));
  TRY(refuse_unsupported(json));
  Preseed preseed{.config = TRY(api::decode<api::ServerPut>(json)).config,
                  .networks = TRY(list_member<api::NetworkCreate>(json, "networks")),
                  .pools = TRY(list_member<api::StoragePoolCreate>(json, "storage_pools")),
                  .projects = TRY(list_member<api::ProjectCreate>(json, "projects"))};
  TRY(read_profiles(json, preseed));
  return preseed;
}

Result<std::string> format_preseed(const Preseed& preseed) {
  std::string json = api::encode(api::ServerPut{.config = preseed.config});
  json.pop_back();
  json += ",\"networks\":" + api::encode_list(preseed.networks);
  json += ",\"storage_pools\":" + api::encode_list(preseed.pools);
  json += ",\"projects\":" + api::encode_list(preseed.projects);
  json += ",\"profiles\":" + format_profiles(preseed) + "}";
  return yaml_of_json(json);
}

Result<Preseed> read_preseed(Server& server) {
  Preseed preseed;
  preseed.config = TRY(server.get<api::ServerPut>("/1.0")).config;
  for (const auto& network : TRY(server.list<api::Network>("/1.0/networks?recursion=1"))) {
    if (!network.managed) continue;
    preseed.networks.push_back({.config = without_internal(network.config),
                                .description = network.description,
                                .name = network.name,
                                .type = network.type});
  }
  for (const auto& pool : TRY(server.list<api::StoragePool>("/1.0/storage-pools?recursion=1"))) {
    preseed.pools.push_back({.config = without_internal(pool.config),
                             .description = pool.description,
                             .name = pool.name,
                             .driver = pool.driver});
  }
  TRY(read_projects(server, preseed));
  return preseed;
}

}  // namespace cella::cli
