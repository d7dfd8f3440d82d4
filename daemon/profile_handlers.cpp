// /1.0/profiles
#include <mutex>

#include "api/codec.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/scope.h"
#include "daemon/wire.h"
#include "manager/names.h"

namespace cella::daemon {
namespace {

std::string url_of(const std::string& project, const std::string& name) {
  return "/1.0/profiles/" + api::percent_encode(name) + manager::project_query(project);
}

class ProfileHandlers {
 public:
  explicit ProfileHandlers(manager::Profiles& profiles) : profiles_(profiles) {}

  Result<Reply> list(const Request& request) {
    return collection_reply(
        request, profiles_.list(request.project_of_profiles),
        [&](const manager::Profile& profile) { return as_seen(request, to_wire(profile)); },
        [](const manager::Profile& profile) { return url_of(profile.project, profile.name); });
  }

  Result<Reply> get(const Request& request) {
    const manager::Profile profile = TRY(profiles_.find(request.project_of_profiles, request.parameter("name")));
    return sync_reply_with_etag(api::encode(as_seen(request, to_wire(profile))), api::encode(writable_part(profile)));
  }

  Result<Reply> create(const Request& request) {
    const auto body = TRY(api::decode<api::ProfileCreate>(request.body));
    TRY(profiles_.create(request.project_of_profiles, body.name, {body.description, body.config, body.devices},
                         requestor_of(request)));
    return created_reply(url_of(request.project_of_profiles, body.name));
  }

  Result<Reply> put(const Request& request) {
    const auto body = TRY(api::decode<api::ProfilePut>(request.body));
    return change(request, [&](const std::string& name) {
      return profiles_.update(request.project_of_profiles, name, {body.description, body.config, body.devices},
                              requestor_of(request));
    });
  }

  Result<Reply> patch(const Request& request) {
    const auto body = TRY(api::decode<api::ProfilePatch>(request.body));
    return change(request, [&](const std::string& name) {
      return profiles_.patch(request.project_of_profiles, name, {body.description, body.config, body.devices},
                             requestor_of(request));
    });
  }

  Result<Reply> rename(const Request& request) {
    const auto body = TRY(api::decode<api::Rename>(request.body));
    TRY(profiles_.rename(request.project_of_profiles, request.parameter("name"), body.name, requestor_of(request)));
    return created_reply(url_of(request.project_of_profiles, body.name));
  }

  Result<Reply> remove(const Request& request) {
    TRY(profiles_.remove(request.project_of_profiles, request.parameter("name"), requestor_of(request)));
    return empty_reply();
  }

 private:
  template <typename Change>
  Result<Reply> change(const Request& request, const Change& apply) {
    const std::lock_guard lock(changing_);
    const manager::Profile present = TRY(profiles_.find(request.project_of_profiles, request.parameter("name")));
    if (auto refused = check_if_match(request, api::encode(writable_part(present)))) return *std::move(refused);
    TRY(apply(present.name));
    return empty_reply();
  }

  manager::Profiles& profiles_;
  std::mutex changing_;  // nothing comes between If-Match and the change
};

}  // namespace

void add_profile_routes(Router& router, manager::Profiles& profiles) {
  auto handlers = std::make_shared<ProfileHandlers>(profiles);
  router.add("GET", "/1.0/profiles", [handlers](const Request& request) { return handlers->list(request); });
  router.add("POST", "/1.0/profiles", [handlers](const Request& request) { return handlers->create(request); });
  router.add("GET", "/1.0/profiles/{name}", [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", "/1.0/profiles/{name}", [handlers](const Request& request) { return handlers->put(request); });
  router.add("PATCH", "/1.0/profiles/{name}", [handlers](const Request& request) { return handlers->patch(request); });
  router.add("POST", "/1.0/profiles/{name}", [handlers](const Request& request) { return handlers->rename(request); });
  router.add("DELETE", "/1.0/profiles/{name}",
             [handlers](const Request& request) { return handlers->remove(request); });
}

}  // namespace cella::daemon
