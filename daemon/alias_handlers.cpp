// /1.0/images/aliases
#include <mutex>

#include "api/codec.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/wire.h"
#include "manager/names.h"

namespace cella::daemon {
namespace {

std::string url_of(const std::string& name) { return "/1.0/images/aliases/" + api::percent_encode(name); }

std::string representation_of(const manager::Alias& alias) {
  return api::encode(api::AliasPut{alias.description, alias.target});
}

class AliasHandlers {
 public:
  explicit AliasHandlers(manager::Images& images) : images_(images) {}

  Result<Reply> list(const Request& request) {
    std::vector<manager::Alias> aliases = images(request).list_aliases();
    std::erase_if(aliases, [&](const manager::Alias& alias) { return !may_see(request, alias); });
    return collection_reply(
        request, aliases, [](const manager::Alias& alias) { return to_wire(alias); },
        [&](const manager::Alias& alias) {
          return url_of(alias.name) + manager::project_query(request.project_of_images);
        });
  }

  Result<Reply> get(const Request& request) {
    const auto alias = images(request).find_alias(request.parameter("name"));
    // The same answer whether it is there or not.
    if (!request.access.trusted() && (!alias.ok() || !may_see(request, *alias))) {
      return Error(ErrorKind::kNotFound, "Image alias not found");
    }
    TRY(alias);
    return sync_reply_with_etag(api::encode(to_wire(*alias)), representation_of(*alias));
  }

  Result<Reply> create(const Request& request) {
    const auto body = TRY(api::decode<api::AliasCreate>(request.body));
    if (!body.type.empty() && body.type != "container") {
      return invalid_value("type", body.type, "only containers are served");
    }
    manager::Alias alias;
    alias.name = body.name;
    alias.description = body.description;
    alias.target = body.target;
    TRY(images(request).create_alias(alias));
    return created_reply(url_of(body.name) + manager::project_query(request.project_of_images));
  }

  Result<Reply> change(const Request& request) {
    const auto body = TRY(api::decode<api::AliasPatch>(request.body));
    const bool replaces = request.method == "PUT";
    const std::lock_guard lock(changing_);
    manager::Alias alias = TRY(images(request).find_alias(request.parameter("name")));
    if (auto refused = check_if_match(request, representation_of(alias))) return *std::move(refused);
    if (replaces && !body.target) return invalid_value("target", "", "is required");
    alias.description = body.description.value_or(replaces ? "" : alias.description);
    alias.target = body.target.value_or(alias.target);
    TRY(images(request).update_alias(alias.name, alias));
    return empty_reply();
  }

  Result<Reply> rename(const Request& request) {
    const auto body = TRY(api::decode<api::Rename>(request.body));
    TRY(images(request).rename_alias(request.parameter("name"), body.name));
    return created_reply(url_of(body.name) + manager::project_query(request.project_of_images));
  }

  Result<Reply> remove(const Request& request) {
    TRY(images(request).remove_alias(request.parameter("name")));
    return empty_reply();
  }

 private:
  manager::Images& images(const Request& request) const { return images_.in(request.project_of_images); }

  // Strangers see what names a public image.
  bool may_see(const Request& request, const manager::Alias& alias) const {
    if (request.access.trusted()) return true;
    const auto image = images(request).find(alias.target);
    return image.ok() && image->is_public;
  }

  manager::Images& images_;
  std::mutex changing_;  // nothing comes between If-Match and the change
};

}  // namespace

// Alias names hold slashes ("debian/12"), which clients send as %2F.
void add_alias_routes(Router& router, manager::Images& images) {
  auto handlers = std::make_shared<AliasHandlers>(images);
  const std::string one = "/1.0/images/aliases/{name}";
  router.add("GET", "/1.0/images/aliases", [handlers](const Request& request) { return handlers->list(request); });
  router.add("POST", "/1.0/images/aliases", [handlers](const Request& request) { return handlers->create(request); });
  router.add("GET", one, [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", one, [handlers](const Request& request) { return handlers->change(request); });
  router.add("PATCH", one, [handlers](const Request& request) { return handlers->change(request); });
  router.add("POST", one, [handlers](const Request& request) { return handlers->rename(request); });
  router.add("DELETE", one, [handlers](const Request& request) { return handlers->remove(request); });
}

}  // namespace cella::daemon
