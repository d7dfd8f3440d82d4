// /1.0/warnings
#include "api/codec.h"
#include "api/warning.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/wire.h"
#include "manager/warnings.h"

namespace cella::daemon {
namespace {

api::Warning to_wire(const manager::Warning& warning) {
  api::Warning out;
  out.status = manager::status_text(warning.status);
  out.uuid = warning.uuid;
  out.project = warning.project;
  out.type = manager::warning_text(warning.kind);
  out.count = warning.count;
  out.first_seen_at = time_to_wire(warning.first_seen);
  out.last_seen_at = time_to_wire(warning.last_seen);
  out.last_message = warning.last_message;
  out.severity = manager::severity_text(warning.severity);
  out.entity_url = warning.entity_url;
  return out;
}

std::string writable_text(const manager::Warning& warning) {
  return api::encode(api::WarningPut{std::string(manager::status_text(warning.status))});
}

Result<manager::WarningStatus> status_from_wire(const std::string& text) {
  for (const auto status : {manager::WarningStatus::kNew, manager::WarningStatus::kAcknowledged,
                            manager::WarningStatus::kResolved}) {
    if (text == manager::status_text(status)) return status;
  }
  return invalid_value("status", text, "expected \"new\" or \"acknowledged\"");
}

class WarningHandlers {
 public:
  explicit WarningHandlers(manager::Warnings& warnings) : warnings_(warnings) {}

  Result<Reply> list(const Request& request) {
    const std::string_view project = request.query_value("project");
    std::vector<manager::Warning> shown;
    for (manager::Warning& warning : warnings_.list()) {
      // Those of the host belong to every project's view.
      if (project.empty() || warning.project.empty() || warning.project == project) shown.push_back(std::move(warning));
    }
    return collection_reply(request, shown, [](const manager::Warning& warning) { return to_wire(warning); },
                            [](const manager::Warning& warning) { return "/1.0/warnings/" + warning.uuid; });
  }

  Result<Reply> get(const Request& request) {
    const manager::Warning warning = TRY(warnings_.find(request.parameter("uuid")));
    return sync_reply_with_etag(api::encode(to_wire(warning)), writable_text(warning));
  }

  Result<Reply> change(const Request& request) {
    const auto body = TRY(api::decode<api::WarningPut>(request.body));
    const manager::Warning present = TRY(warnings_.find(request.parameter("uuid")));
    if (auto refused = check_if_match(request, writable_text(present))) return *std::move(refused);
    if (request.method == "PATCH" && body.status.empty()) return empty_reply();
    TRY(warnings_.set_status(present.uuid, TRY(status_from_wire(body.status)), requestor_of(request)));
    return empty_reply();
  }

  Result<Reply> remove(const Request& request) {
    TRY(warnings_.remove(request.parameter("uuid"), requestor_of(request)));
    return empty_reply();
  }

 private:
  manager::Warnings& warnings_;
};

}  // namespace

void add_warning_routes(Router& router, manager::Warnings& warnings) {
  auto handlers = std::make_shared<WarningHandlers>(warnings);
  const std::string one = "/1.0/warnings/{uuid}";
  router.add("GET", "/1.0/warnings", [handlers](const Request& request) { return handlers->list(request); });
  router.add("GET", one, [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", one, [handlers](const Request& request) { return handlers->change(request); });
  router.add("PATCH", one, [handlers](const Request& request) { return handlers->change(request); });
  router.add("DELETE", one, [handlers](const Request& request) { return handlers->remove(request); });
}

}  // namespace cella::daemon
