#include "daemon/scope.h"

#include "base/units.h"
#include "manager/names.h"

namespace cella::daemon {
namespace {

bool is_of_instance(std::string_view path) {
  for (const std::string_view noun : {"/1.0/instances/", "/1.0/containers/", "/1.0/virtual-machines/"}) {
    if (path.starts_with(noun)) return true;
  }
  return false;
}

// What a project shares with the default one it may use; only those who may use the default project change it.
Result<void> check_shared(const Request& request, const manager::Projects& projects) {
  if (request.access.level != Access::Level::kRestricted || request.method == "GET" || request.method == "HEAD") {
    return kOk;
  }
  const std::string_view path = request.path;
  std::string owner = request.project;
  if (path.starts_with("/1.0/images")) owner = request.project_of_images;
  if (path.starts_with("/1.0/profiles")) owner = request.project_of_profiles;
  if (path.starts_with("/1.0/storage-pools/")) owner = projects.project_of_volumes(request.project);
  return request.access.may_use(owner) ? Result<void>(kOk) : Error(ErrorKind::kDenied, "not authorized");
}

}  // namespace

bool may_see_url(const Request& request, std::string_view url) {
  constexpr std::string_view kQuery = "?project=";
  const auto query = url.find(kQuery);
  return request.access.may_use(query == std::string_view::npos ? manager::kDefaultProject
                                                                : url.substr(query + kQuery.size()));
}

Result<void> find_scope(Request& request, const manager::Projects& projects) {
  if (const std::string_view named = request.query_value("project"); !named.empty()) request.project = named;
  const bool of_projects = request.path.starts_with("/1.0/projects");
  if (!of_projects && request.access.trusted() && !projects.exists(request.project)) {
    return Error(ErrorKind::kNotFound, "Project not found");
  }
  request.project_of_images = projects.project_of_images(request.project);
  request.project_of_profiles = projects.project_of_profiles(request.project);
  TRY(check_shared(request, projects));
  const auto name = request.parameters.find("name");
  if (name == request.parameters.end() || !is_of_instance(request.path)) return kOk;
  // What separates a project from a name is in no name: nobody reaches into another project with it.
  if (name->second.find('_') != std::string::npos) {
    return Error(ErrorKind::kNotFound, "instance " + name->second + " not found");
  }
  name->second = manager::qualified_name(request.project, name->second);
  return kOk;
}

Result<bool> asks_for_all_projects(const Request& request) {
  const std::string_view text = request.query_value("all-projects");
  if (text.empty()) return false;
  const bool all = TRY(parse_bool("all-projects", text));
  if (all && !request.query_value("project").empty()) {
    return Error(ErrorKind::kInvalid, "Cannot specify a project when requesting all projects");
  }
  return all;
}

bool shows_project(const Request& request, bool all, const std::string& wanted, const std::string& project) {
  return request.access.may_use(project) && (all || project == wanted);
}

}  // namespace cella::daemon
