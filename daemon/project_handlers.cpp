// /1.0/projects
#include <mutex>

#include "api/codec.h"
#include "api/project.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/wire.h"
#include "manager/projects.h"

namespace cella::daemon {
namespace {

std::string url_of(const std::string& name) { return "/1.0/projects/" + api::percent_encode(name); }

api::Project project_to_wire(const manager::Project& project) {
  return {project.config, project.description, project.name, project.used_by};
}
std::string writable_part(const manager::Project& project) {
  return api::encode(api::ProjectPut{project.config, project.description});
}

class ProjectHandlers {
 public:
  explicit ProjectHandlers(manager::Server& server) : server_(server), projects_(server.projects()) {}

  Result<Reply> list(const Request& request) {
    std::vector<manager::Project> found = projects_.list();
    std::erase_if(found, [&](const manager::Project& project) { return !request.access.may_use(project.name); });
    return collection_reply(request, found, project_to_wire,
                            [](const manager::Project& project) { return url_of(project.name); });
  }

  Result<Reply> get(const Request& request) {
    const manager::Project project = TRY(projects_.find(request.parameter("name")));
    return sync_reply_with_etag(api::encode(project_to_wire(project)), writable_part(project));
  }

  Result<Reply> state(const Request& request) {
    api::ProjectState state;
    for (const auto& [resource, use] : TRY(projects_.state(request.parameter("name")))) {
      state.resources[resource] = {use.limit, use.usage};
    }
    return sync_reply(api::encode(state));
  }

  Result<Reply> create(const Request& request) {
    const auto body = TRY(api::decode<api::ProjectCreate>(request.body));
    TRY(projects_.create(body.name, {body.description, body.config}, requestor_of(request)));
    return created_reply(url_of(body.name));
  }

  Result<Reply> put(const Request& request) {
    const auto body = TRY(api::decode<api::ProjectPut>(request.body));
    return change(request, [&](const std::string& name) {
      return projects_.update(name, {body.description, body.config}, requestor_of(request));
    });
  }

  Result<Reply> patch(const Request& request) {
    const auto body = TRY(api::decode<api::ProjectPatch>(request.body));
    return change(request, [&](const std::string& name) {
      return projects_.patch(name, {body.description, body.config}, requestor_of(request));
    });
  }

  Result<Reply> rename(const Request& request) {
    const auto body = TRY(api::decode<api::Rename>(request.body));
    return operation_reply(server_.operations(),
                           TRY(projects_.rename(request.parameter("name"), body.name, requestor_of(request))));
  }

  Result<Reply> remove(const Request& request) {
    TRY(projects_.remove(request.parameter("name"), requestor_of(request)));
    return empty_reply();
  }

 private:
  template <typename Change>
  Result<Reply> change(const Request& request, const Change& apply) {
    const std::lock_guard lock(changing_);
    const manager::Project present = TRY(projects_.find(request.parameter("name")));
    if (auto refused = check_if_match(request, writable_part(present))) return *std::move(refused);
    TRY(apply(present.name));
    return empty_reply();
  }

  manager::Server& server_;
  manager::Projects& projects_;
  std::mutex changing_;  // nothing comes between If-Match and the change
};

}  // namespace

void add_project_routes(Router& router, manager::Server& server) {
  auto handlers = std::make_shared<ProjectHandlers>(server);
  const std::string one = "/1.0/projects/{name}";
  router.add("GET", "/1.0/projects", [handlers](const Request& request) { return handlers->list(request); });
  router.add("POST", "/1.0/projects", [handlers](const Request& request) { return handlers->create(request); });
  router.add("GET", one, [handlers](const Request& request) { return handlers->get(request); });
  router.add("GET", one + "/state", [handlers](const Request& request) { return handlers->state(request); });
  router.add("PUT", one, [handlers](const Request& request) { return handlers->put(request); });
  router.add("PATCH", one, [handlers](const Request& request) { return handlers->patch(request); });
  router.add("POST", one, [handlers](const Request& request) { return handlers->rename(request); });
  router.add("DELETE", one, [handlers](const Request& request) { return handlers->remove(request); });
}

}  // namespace cella::daemon
