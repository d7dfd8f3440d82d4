#include "cli/preseed.h"

#include "api/server.h"
#include "cli/object.h"
#include "cli/yaml.h"

namespace cella::cli {
namespace {

constexpr std::string_view kModel =
    R"({"config":0,"networks":0,"storage_pools":0,"profiles":0,"projects":0,"cluster":0})";

Result<void> refuse_unsupported(std::string_view json) {
  const std::string cluster = api::member_text(json, "cluster");
  if (!cluster.empty() && cluster != "{}")
    return Error(ErrorKind::kUnsupported, "cluster: this server has no clustering");
  for (const auto& project : TRY(api::decode_list<api::ProfileCreate>(
           api::member_text(json, "projects").empty() ? "[]" : api::member_text(json, "projects")))) {
    if (project.name != "default") {
      return Error(ErrorKind::kUnsupported, "projects: \"" + project.name + "\": only the project default exists");
    }
  }
  return kOk;
}

template <typename T>
Result<std::vector<T>> list_member(std::string_view json, std::string_view name) {
  const std::string text = api::member_text(json, name);
  if (text.empty()) return std::vector<T>{};
  return TRY_CONTEXT(name, api::decode_list<T>(text));
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
  return Preseed{.config = TRY(api::decode<api::ServerPut>(json)).config,
                 .networks = TRY(list_member<api::NetworkCreate>(json, "networks")),
                 .pools = TRY(list_member<api::StoragePoolCreate>(json, "storage_pools")),
                 .profiles = TRY(list_member<api::ProfileCreate>(json, "profiles"))};
}

Result<std::string> format_preseed(const Preseed& preseed) {
  std::string json = api::encode(api::ServerPut{.config = preseed.config});
  json.pop_back();
  json += ",\"networks\":" + api::encode_list(preseed.networks);
  json += ",\"storage_pools\":" + api::encode_list(preseed.pools);
  json += ",\"profiles\":" + api::encode_list(preseed.profiles) + "}";
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
  for (const auto& profile : TRY(server.list<api::Profile>("/1.0/profiles?recursion=1"))) {
    preseed.profiles.push_back({.config = profile.config,
                                .description = profile.description,
                                .devices = profile.devices,
                                .name = profile.name});
  }
  return preseed;
}

}  // namespace cella::cli
