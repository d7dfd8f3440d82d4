// /1.0/networks
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

std::string url_of(const std::string& name) { return "/1.0/networks/" + api::percent_encode(name); }

class NetworkHandlers {
 public:
  explicit NetworkHandlers(manager::Networks& networks) : networks_(networks) {}

  Result<Reply> list(const Request& request) {
    return collection_reply(
        request, TRY(networks_.list()), [&](const manager::Network& network) { return as_seen(request, to_wire(network)); },
        [](const manager::Network& network) { return url_of(network.name); });
  }

  Result<Reply> get(const Request& request) {
    const manager::Network network = TRY(networks_.get(request.parameter("name")));
    return sync_reply_with_etag(api::encode(as_seen(request, to_wire(network))), api::encode(writable_part(network)));
  }

  Result<Reply> state(const Request& request) {
    return sync_reply(api::encode(to_wire(TRY(networks_.state(request.parameter("name"))))));
  }

  Result<Reply> leases(const Request& request) {
    std::vector<api::NetworkLease> leases;
    for (const manager::Lease& lease : TRY(networks_.leases(request.parameter("name")))) {
      if (!may_see(request, lease)) continue;
      leases.push_back({lease.hostname, lease.hwaddr, lease.address, lease.type, "none"});
    }
    return sync_reply(api::encode_list(leases));
  }

  Result<Reply> create(const Request& request) {
    const auto body = TRY(api::decode<api::NetworkCreate>(request.body));
    TRY(networks_.create({body.name, body.description, body.type, body.config}));
    return created_reply(url_of(body.name));
  }

  Result<Reply> put(const Request& request) {
    const auto body = TRY(api::decode<api::NetworkPut>(request.body));
    return change(request, body.description, [&](const manager::Config&) { return body.config; });
  }

  Result<Reply> patch(const Request& request) {
    const auto body = TRY(api::decode<api::NetworkPatch>(request.body));
    return change(request, body.description, [&](manager::Config config) {
      for (const auto& [key, value] : body.config) config[key] = value;
      return config;
    });
  }

  Result<Reply> rename(const Request& request) {
    const auto body = TRY(api::decode<api::Rename>(request.body));
    TRY(networks_.rename(request.parameter("name"), body.name));
    return created_reply(url_of(body.name));
  }

  Result<Reply> remove(const Request& request) {
    TRY(networks_.remove(request.parameter("name")));
    return empty_reply();
  }

 private:
  // Of an address nobody knows of, nobody can tell the project.
  static bool may_see(const Request& request, const manager::Lease& lease) {
    if (request.access.full() || lease.type == "gateway") return true;
    return !lease.instance.empty() && request.access.may_use(manager::project_of(lease.instance));
  }

  template <typename NextConfig>
  Result<Reply> change(const Request& request, const std::optional<std::string>& description, const NextConfig& next) {
    const std::lock_guard lock(changing_);
    const manager::Network present = TRY(networks_.get(request.parameter("name")));
    if (auto refused = check_if_match(request, api::encode(writable_part(present)))) return *std::move(refused);
    manager::Config config = next(present.config);
    // Clients unset a key by sending it empty.
    std::erase_if(config, [](const auto& entry) { return entry.second.empty(); });
    TRY(networks_.update({present.name, description.value_or(present.description), present.type, std::move(config)}));
    return empty_reply();
  }

  manager::Networks& networks_;
  std::mutex changing_;  // nothing comes between If-Match and the change
};

}  // namespace

void add_network_routes(Router& router, manager::Networks& networks) {
  auto handlers = std::make_shared<NetworkHandlers>(networks);
  router.add("GET", "/1.0/networks", [handlers](const Request& request) { return handlers->list(request); });
  router.add("POST", "/1.0/networks", [handlers](const Request& request) { return handlers->create(request); });
  router.add("GET", "/1.0/networks/{name}", [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", "/1.0/networks/{name}", [handlers](const Request& request) { return handlers->put(request); });
  router.add("PATCH", "/1.0/networks/{name}", [handlers](const Request& request) { return handlers->patch(request); });
  router.add("POST", "/1.0/networks/{name}", [handlers](const Request& request) { return handlers->rename(request); });
  router.add("DELETE", "/1.0/networks/{name}",
             [handlers](const Request& request) { return handlers->remove(request); });
  router.add("GET", "/1.0/networks/{name}/state",
             [handlers](const Request& request) { return handlers->state(request); });
  router.add("GET", "/1.0/networks/{name}/leases",
             [handlers](const Request& request) { return handlers->leases(request); });
}

}  // namespace cella::daemon
