// /1.0/images
#include <mutex>

#include "api/codec.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/image_fetches.h"
#include "daemon/image_export.h"
#include "daemon/image_secrets.h"
#include "daemon/image_upload.h"
#include "daemon/wire.h"
#include "manager/operations.h"

namespace cella::daemon {
namespace {

constexpr std::size_t kMaxJson = 1u << 20;

std::string url_of(const std::string& fingerprint) { return "/1.0/images/" + fingerprint; }

class ImageHandlers {
 public:
  ImageHandlers(manager::Images& images, manager::Operations& operations, std::shared_ptr<ImageFetches> fetches,
                PublishImage publish)
      : images_(images), operations_(operations), fetches_(std::move(fetches)), publish_(std::move(publish)), secrets_(operations) {}

  Result<Reply> list(const Request& request) {
    std::vector<manager::Image> images = images_.list();
    std::erase_if(images, [&](const manager::Image& image) { return !may_see(request, image); });
    return collection_reply(
        request, images, [](const manager::Image& image) { return to_wire(image); },
        [](const manager::Image& image) { return url_of(image.fingerprint); });
  }

  Result<Reply> get(const Request& request) {
    const manager::Image image = TRY(find(request));
    return sync_reply_with_etag(api::encode(to_wire(image)), api::encode(writable_part(image)));
  }

  Result<Reply> create(const Request& request, BodyReader& body) {
    const std::string_view type = request.header("Content-Type");
    if (type.starts_with("application/json")) return create_from_source(request, TRY(read_all(body, kMaxJson)));
    manager::ImageUpload upload = TRY(read_image_headers(request));
    TRY(receive_image(request, body, images_.upload_directory(), upload));
    return operation_reply(operations_, TRY(images_.import(std::move(upload))));
  }

  Result<Reply> put(const Request& request) {
    const auto body = TRY(api::decode<api::ImagePut>(request.body));
    manager::ImagePut put;
    put.auto_update = body.auto_update;
    put.is_public = body.is_public;
    put.properties = body.properties;
    put.profiles = body.profiles;
    put.expires_at = TRY_CONTEXT("expires_at", time_from_wire(body.expires_at));
    return change(request, [&](const std::string& fingerprint) { return images_.update(fingerprint, put); });
  }

  Result<Reply> patch(const Request& request) {
    const auto body = TRY(api::decode<api::ImagePatch>(request.body));
    manager::ImagePatch patch;
    patch.auto_update = body.auto_update;
    patch.is_public = body.is_public;
    patch.properties = body.properties;
    patch.profiles = body.profiles;
    if (body.expires_at) patch.expires_at = TRY_CONTEXT("expires_at", time_from_wire(*body.expires_at));
    return change(request, [&](const std::string& fingerprint) { return images_.patch(fingerprint, patch); });
  }

  Result<Reply> remove(const Request& request) {
    return operation_reply(operations_, TRY(images_.remove(request.parameter("fingerprint"))));
  }

  Result<Reply> refresh(const Request& request) {
    return operation_reply(operations_, TRY(fetches_->refresh(request.parameter("fingerprint"))));
  }

  Result<Reply> make_secret(const Request& request) {
    return operation_reply(operations_, secrets_.create(TRY(find(request)).fingerprint));
  }

  Result<Reply> export_files(const Request& request) {
    const manager::Image image = TRY(find(request));
    secrets_.use(image.fingerprint, request.query_value("secret"));
    return export_reply(TRY(images_.export_files(image.fingerprint)));
  }

 private:
  // The public ones are everybody's; with its secret a client may have one that is not.
  bool may_see(const Request& request, const manager::Image& image) const {
    return request.access.trusted() || image.is_public ||
           secrets_.accepts(image.fingerprint, request.query_value("secret"));
  }

  Result<manager::Image> find(const Request& request) const {
    auto image = images_.find(request.parameter("fingerprint"));
    // The same answer whether it is there or not.
    if (!request.access.trusted() && (!image.ok() || !may_see(request, *image))) {
      return Error(ErrorKind::kNotFound, "Image not found");
    }
    return image;
  }

  Result<Reply> create_from_source(const Request& request, const std::string& json) {
    const auto body = TRY(api::decode<api::ImageCreate>(json));
    const std::string& type = body.source.type;
    if (type == "image" || type == "url") return operation_reply(operations_, TRY(fetches_->start(body)));
    if (type == "instance" || type == "container" || type == "snapshot" || type == "virtual-machine") {
      return publish_(request.project, json);
    }
    return invalid_value("source.type", type, "unknown source");
  }

  template <typename Change>
  Result<Reply> change(const Request& request, const Change& apply) {
    const std::lock_guard lock(changing_);
    const manager::Image present = TRY(images_.find(request.parameter("fingerprint")));
    if (auto refused = check_if_match(request, api::encode(writable_part(present)))) return *std::move(refused);
    TRY(apply(present.fingerprint));
    return empty_reply();
  }

  manager::Images& images_;
  manager::Operations& operations_;
  const std::shared_ptr<ImageFetches> fetches_;
  const PublishImage publish_;
  ImageSecrets secrets_;
  std::mutex changing_;  // nothing comes between If-Match and the change
};

}  // namespace

void add_image_routes(Router& router, manager::Images& images, manager::Operations& operations,
                      std::shared_ptr<ImageFetches> fetches, PublishImage publish) {
  auto handlers = std::make_shared<ImageHandlers>(images, operations, std::move(fetches), std::move(publish));
  const std::string one = "/1.0/images/{fingerprint}";
  router.add("GET", "/1.0/images", [handlers](const Request& request) { return handlers->list(request); });
  router.add_upload("POST", "/1.0/images",
                    [handlers](const Request& request, BodyReader& body) { return handlers->create(request, body); });
  router.add("GET", one, [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", one, [handlers](const Request& request) { return handlers->put(request); });
  router.add("PATCH", one, [handlers](const Request& request) { return handlers->patch(request); });
  router.add("DELETE", one, [handlers](const Request& request) { return handlers->remove(request); });
  router.add("POST", one + "/refresh", [handlers](const Request& request) { return handlers->refresh(request); });
  router.add("POST", one + "/secret", [handlers](const Request& request) { return handlers->make_secret(request); });
  router.add("GET", one + "/export", [handlers](const Request& request) { return handlers->export_files(request); });
}

}  // namespace cella::daemon
