#include "api/server.h"
#include "cli/object.h"
#include "cli/preseed.h"

namespace cella::cli {
namespace {

class Applier {
 public:
  explicit Applier(Server& server) : server_(server) {}
  ~Applier() {
    // Best effort: the error that led here is what the user needs to see.
    for (auto created = created_.rbegin(); created != created_.rend(); ++created) {
      (void)server_.change("DELETE", *created);
    }
  }
  Applier(const Applier&) = delete;
  Applier& operator=(const Applier&) = delete;

  Result<void> apply(const Preseed& preseed) {
    if (!preseed.config.empty()) TRY(server_config(preseed.config));
    for (const auto& pool : preseed.pools) TRY_CONTEXT("storage pool \"" + pool.name + "\"", this->pool(pool));
    for (const auto& network : preseed.networks) {
      TRY_CONTEXT("network \"" + network.name + "\"", this->network(network));
    }
    for (const auto& project : preseed.projects) {
      TRY_CONTEXT("project \"" + project.name + "\"", this->project(project));
    }
    TRY(profiles(preseed.profiles, "default"));
    for (const auto& [project, profiles] : preseed.project_profiles) {
      TRY_CONTEXT("project \"" + project + "\"", this->profiles(profiles, project));
    }
    created_.clear();
    return kOk;
  }

 private:
  // query: "?project=NAME" or nothing.
  template <typename T>
  Result<bool> exists(std::string_view collection, const std::string& name, T* present, const std::string& query = {}) {
    auto found = server_.get<T>(url({collection, name}) + query);
    if (found.ok()) {
      *present = *std::move(found);
      return true;
    }
    if (found.error().kind() == ErrorKind::kNotFound) return false;
    return std::move(found).error();
  }

  Result<void> create(std::string_view collection, const std::string& name, std::string body,
                      const std::string& query = {}) {
    TRY(server_.change("POST", url({collection}) + query, std::move(body), {}, "Creating " + name));
    created_.push_back(url({collection, name}) + query);
    return kOk;
  }

  template <typename Put>
  Result<void> merge(const std::string& target, const api::ConfigMap& config, const std::string& description) {
    std::string etag;
    Put put = TRY(server_.get<Put>(target, &etag));
    const std::string before = api::encode(put);
    for (const auto& [key, value] : config) put.config[key] = value;
    if (!description.empty()) put.description = description;
    if (api::encode(put) == before) return kOk;
    TRY(server_.change("PUT", target, api::encode(put), etag));
    return kOk;
  }

  Result<void> server_config(const api::ConfigMap& config) {
    TRY(update<api::ServerPut>(server_, "/1.0", [&](api::ServerPut& put) -> Result<void> {
      for (const auto& [key, value] : config) put.config[key] = value;
      return kOk;
    }));
    return kOk;
  }

  Result<void> pool(const api::StoragePoolCreate& wanted) {
    api::StoragePool present;
    if (!TRY(exists("storage-pools", wanted.name, &present))) {
      return create("storage-pools", wanted.name, api::encode(wanted));
    }
    if (!wanted.driver.empty() && wanted.driver != present.driver) {
      return Error(ErrorKind::kExists, "exists with the driver " + present.driver + ", not " + wanted.driver);
    }
    // Where it lies and how large it was made were decided at its creation.
    api::ConfigMap config = wanted.config;
    config.erase("source");
    if (present.config.contains("size") && config.contains("size")) config.erase("size");
    return merge<api::StoragePoolPut>(url({"storage-pools", wanted.name}), config, wanted.description);
  }

  // "auto" was replaced by an address when the network was made; another run must not choose again.
  Result<void> network(const api::NetworkCreate& wanted) {
    api::Network present;
    if (!TRY(exists("networks", wanted.name, &present))) return create("networks", wanted.name, api::encode(wanted));
    api::ConfigMap config = wanted.config;
    std::erase_if(config,
                  [&](const auto& pair) { return pair.second == "auto" && present.config.contains(pair.first); });
    return merge<api::NetworkPut>(url({"networks", wanted.name}), config, wanted.description);
  }

  Result<void> project(const api::ProjectCreate& wanted) {
    api::Project present;
    if (!TRY(exists("projects", wanted.name, &present))) return create("projects", wanted.name, api::encode(wanted));
    return merge<api::ProjectPut>(url({"projects", wanted.name}), wanted.config, wanted.description);
  }

  Result<void> profiles(const std::vector<api::ProfileCreate>& wanted, const std::string& project) {
    for (const auto& each : wanted) TRY_CONTEXT("profile \"" + each.name + "\"", profile(each, "?project=" + project));
    return kOk;
  }

  Result<void> profile(const api::ProfileCreate& wanted, const std::string& query) {
    api::Profile present;
    if (!TRY(exists("profiles", wanted.name, &present, query)))
      return create("profiles", wanted.name, api::encode(wanted), query);
    api::ProfilePut put{.config = present.config, .description = present.description, .devices = present.devices};
    const std::string before = api::encode(put);
    for (const auto& [key, value] : wanted.config) put.config[key] = value;
    for (const auto& [name, device] : wanted.devices) put.devices[name] = device;
    if (!wanted.description.empty()) put.description = wanted.description;
    if (api::encode(put) == before) return kOk;
    TRY(server_.change("PUT", url({"profiles", wanted.name}) + query, api::encode(put)));
    return kOk;
  }

  Server& server_;
  std::vector<std::string> created_;
};

}  // namespace

Result<void> apply_preseed(Server& server, const Preseed& preseed) { return Applier(server).apply(preseed); }

}  // namespace cella::cli
