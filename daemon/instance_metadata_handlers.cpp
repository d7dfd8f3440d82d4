// /1.0/instances/NAME/metadata and …/metadata/templates.
#include "api/codec.h"
#include "api/image_metadata.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/wire.h"
#include "manager/instance_events.h"
#include "manager/instance_metadata.h"

namespace cella::daemon {
namespace {

constexpr std::size_t kMaxTemplate = 1u << 20;

api::ImageMetadata to_wire(const manager::ImageMetadata& metadata) {
  api::ImageMetadata wire{.architecture = metadata.architecture,
                          .creation_date = metadata.creation_date,
                          .expiry_date = metadata.expiry_date,
                          .properties = metadata.properties,
                          .templates = {}};
  for (const auto& entry : metadata.templates)
    wire.templates[entry.path] = {entry.when, entry.create_only, entry.source, entry.properties};
  return wire;
}

manager::ImageMetadata from_wire(const api::ImageMetadata& wire) {
  manager::ImageMetadata metadata;
  metadata.architecture = wire.architecture;
  metadata.creation_date = wire.creation_date;
  metadata.expiry_date = wire.expiry_date;
  metadata.properties = wire.properties;
  for (const auto& [path, entry] : wire.templates)
    metadata.templates.push_back({path, entry.when, entry.source, entry.create_only, entry.properties});
  return metadata;
}

class MetadataHandlers {
 public:
  explicit MetadataHandlers(manager::Server& server) : server_(server) {}

  Result<Reply> get(const Request& request) {
    const std::string text = api::encode(TRY(current(request)));
    return sync_reply_with_etag(text, text);
  }

  Result<Reply> put(const Request& request) {
    const auto present = TRY(current(request));
    if (auto refusal = check_if_match(request, api::encode(present))) return *std::move(refusal);
    return store(request, TRY(api::decode<api::ImageMetadata>(request.body)));
  }

  // Members that are absent stay; properties and templates given are replaced one by one.
  Result<Reply> patch(const Request& request) {
    api::ImageMetadata changed = TRY(current(request));
    if (auto refusal = check_if_match(request, api::encode(changed))) return *std::move(refusal);
    const auto given = TRY(api::decode<api::ImageMetadata>(request.body));
    if (!given.architecture.empty()) changed.architecture = given.architecture;
    if (given.creation_date != 0) changed.creation_date = given.creation_date;
    if (given.expiry_date != 0) changed.expiry_date = given.expiry_date;
    for (const auto& [key, value] : given.properties) changed.properties[key] = value;
    for (const auto& [path, entry] : given.templates) changed.templates[path] = entry;
    return store(request, changed);
  }

  Result<Reply> templates(const Request& request) {
    const std::string name(request.query_value("path"));
    if (!name.empty()) return octets_reply(TRY(metadata().read_template(request.parameter("name"), name)));
    std::string names = "[";
    for (const std::string& each : TRY(metadata().templates(request.parameter("name")))) {
      if (names.size() > 1) names += ',';
      names += api::quote(each);
    }
    return sync_reply(names + "]");
  }

  Result<Reply> write_template(const Request& request, BodyReader& body) {
    const std::string text = TRY(read_all(body, kMaxTemplate));
    TRY(metadata().write_template(request.parameter("name"), std::string(request.query_value("path")), text));
    announce(request, "instance-metadata-template-created");
    return empty_reply();
  }

  Result<Reply> remove_template(const Request& request) {
    TRY(metadata().remove_template(request.parameter("name"), std::string(request.query_value("path"))));
    announce(request, "instance-metadata-template-deleted");
    return empty_reply();
  }

 private:
  manager::InstanceMetadata& metadata() { return server_.instances().metadata(); }

  Result<api::ImageMetadata> current(const Request& request) {
    return to_wire(TRY(metadata().get(request.parameter("name"))));
  }

  Result<Reply> store(const Request& request, const api::ImageMetadata& wire) {
    TRY(metadata().put(request.parameter("name"), from_wire(wire)));
    announce(request, "instance-metadata-updated");
    return empty_reply();
  }

  void announce(const Request& request, const char* action) {
    manager::Value::Object context;
    if (const auto path = request.query_value("path"); !path.empty())
      context["path"] = manager::Value(std::string(path));
    manager::tell_of_instance(server_.events(), action, request.parameter("name"), requestor_of(request),
                              std::move(context));
  }

  manager::Server& server_;
};

}  // namespace

void add_instance_metadata_routes(Router& router, manager::Server& server) {
  auto handlers = std::make_shared<MetadataHandlers>(server);
  const std::string metadata = "/1.0/instances/{name}/metadata";
  const std::string templates = metadata + "/templates";
  router.add("GET", metadata, [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", metadata, [handlers](const Request& request) { return handlers->put(request); });
  router.add("PATCH", metadata, [handlers](const Request& request) { return handlers->patch(request); });
  router.add("GET", templates, [handlers](const Request& request) { return handlers->templates(request); });
  router.add_upload("POST", templates, [handlers](const Request& request, BodyReader& body) {
    return handlers->write_template(request, body);
  });
  router.add("DELETE", templates, [handlers](const Request& request) { return handlers->remove_template(request); });
}

}  // namespace cella::daemon
