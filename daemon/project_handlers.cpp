// /1.0/projects: there is one, "default".
#include "api/codec.h"
#include "api/project.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"

namespace cella::daemon {
namespace {

Result<api::Project> default_project(manager::Server& server) {
  api::Project project;
  project.name = "default";
  project.description = "Default project";
  for (const char* feature :
       {"features.images", "features.networks", "features.profiles", "features.storage.volumes"}) {
    project.config[feature] = "true";
  }
  for (const manager::Instance& instance : server.instances().list()) {
    project.used_by.push_back("/1.0/instances/" + api::percent_encode(instance.name));
  }
  for (const manager::Profile& profile : server.profiles().list()) {
    project.used_by.push_back("/1.0/profiles/" + api::percent_encode(profile.name));
  }
  for (const manager::Image& image : server.images().list()) {
    project.used_by.push_back("/1.0/images/" + image.fingerprint);
  }
  for (const manager::Network& network : TRY(server.networks().list())) {
    if (network.managed) project.used_by.push_back("/1.0/networks/" + api::percent_encode(network.name));
  }
  return project;
}

}  // namespace

void add_project_routes(Router& router, manager::Server& server) {
  router.add("GET", "/1.0/projects", [&server](const Request& request) -> Result<Reply> {
    return collection_reply(request, {{"/1.0/projects/default", api::encode(TRY(default_project(server)))}});
  });
  router.add("GET", "/1.0/projects/{name}", [&server](const Request& request) -> Result<Reply> {
    if (request.parameter("name") != "default") {
      return Error(ErrorKind::kNotFound, "Project \"" + request.parameter("name") + "\" not found");
    }
    const api::Project project = TRY(default_project(server));
    return sync_reply_with_etag(api::encode(project),
                                api::encode(api::Project{project.config, project.description, "", {}}));
  });
}

}  // namespace cella::daemon
