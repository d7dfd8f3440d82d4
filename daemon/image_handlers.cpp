// /1.0/images
#include <mutex>

#include "api/codec.h"
#include "daemon/access.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/image_fetches.h"
#include "daemon/image_push.h"
#include "daemon/image_export.h"
#include "daemon/image_secrets.h"
#include "daemon/image_upload.h"
#include "daemon/wire.h"
#include "manager/names.h"
#include "manager/operations.h"

namespace cella::daemon {
namespace {

constexpr std::size_t kMaxJson = 1u << 20;

std::string url_of(const std::string& fingerprint) { return "/1.0/images/" + fingerprint; }

class ImageHandlers {
 public:
  ImageHandlers(manager::Images& images, manager::Operations& operations, std::shared_ptr<ImageFetches> fetches,
                PublishImage publish)
      : images_(images),
        operations_(operations),
        fetches_(std::move(fetches)),
        publish_(std::move(publish)),
        secrets_(operations),
        uploads_(operations) {}

  Result<Reply> list(const Request& request) {
    std::vector<manager::Image> found = images(request).list();
    std::erase_if(found, [&](const manager::Image& image) { return !may_see(request, image); });
    return collection_reply(
        request, found, [](const manager::Image& image) { return to_wire(image); },
        [](const manager::Image& image) { return url_of(image.fingerprint) + manager::project_query(image.project); });
  }

  Result<Reply> get(const Request& request) {
    const manager::Image image = TRY(find(request));
    return sync_reply_with_etag(api::encode(to_wire(image)), api::encode(writable_part(image)));
  }

  Result<Reply> create(const Request& request, BodyReader& body) {
    const std::string_view type = request.header("Content-Type");
    if (type.starts_with("application/json")) {
      // Who only has a secret for an upload gets no further.
      if (!request.access.trusted()) return Error(ErrorKind::kDenied, "not authorized");
      return create_from_source(request, TRY(read_json(request, body, kMaxJson)));
    }
    manager::ImageUpload upload = TRY(read_image_headers(request));
    if (const std::string_view secret = request.header("X-LXD-secret"); !secret.empty()) {
      return receive_announced(request, body, secret, std::move(upload));
    }
    if (!request.access.trusted()) return Error(ErrorKind::kDenied, "not authorized");
    TRY(receive_image(request, body, images(request).upload_directory(), upload));
    return operation_reply(operations_, TRY(images(request).import(std::move(upload))));
  }

  Result<Reply> push(const Request& request) {
    const auto body = TRY(api::decode<api::ImageExport>(request.body));
    const manager::Image image = TRY(find(request));
    return operation_reply(operations_, TRY(push_image(images(request), operations_, image, body)));
  }

  Result<Reply> put(const Request& request) {
    const auto body = TRY(api::decode<api::ImagePut>(request.body));
    manager::ImagePut put;
    put.auto_update = body.auto_update;
    put.is_public = body.is_public;
    put.properties = body.properties;
    put.profiles = body.profiles;
    put.expires_at = TRY_CONTEXT("expires_at", time_from_wire(body.expires_at));
    return change(request, [&](const std::string& fingerprint) { return images(request).update(fingerprint, put); });
  }

  Result<Reply> patch(const Request& request) {
    const auto body = TRY(api::decode<api::ImagePatch>(request.body));
    manager::ImagePatch patch;
    patch.auto_update = body.auto_update;
    patch.is_public = body.is_public;
    patch.properties = body.properties;
    patch.profiles = body.profiles;
    if (body.expires_at) patch.expires_at = TRY_CONTEXT("expires_at", time_from_wire(*body.expires_at));
    return change(request, [&](const std::string& fingerprint) { return images(request).patch(fingerprint, patch); });
  }

  Result<Reply> remove(const Request& request) {
    return operation_reply(operations_, TRY(images(request).remove(request.parameter("fingerprint"))));
  }

  Result<Reply> refresh(const Request& request) {
    return operation_reply(operations_,
                           TRY(fetches_->refresh(request.project_of_images, request.parameter("fingerprint"))));
  }

  Result<Reply> make_secret(const Request& request) {
    const manager::Image image = TRY(find(request));
    return operation_reply(operations_, secrets_.create(image.fingerprint, image.project));
  }

  Result<Reply> export_files(const Request& request) {
    const manager::Image image = TRY(find(request));
    secrets_.use(image.fingerprint, request.query_value("secret"));
    return export_reply(TRY(images(request).export_files(image.fingerprint)));
  }

 private:
  manager::Images& images(const Request& request) const { return images_.in(request.project_of_images); }

  // The public ones are everybody's; with its secret a client may have one that is not.
  bool may_see(const Request& request, const manager::Image& image) const {
    return request.access.trusted() || image.is_public ||
           secrets_.accepts(image.fingerprint, request.query_value("secret"));
  }

  Result<manager::Image> find(const Request& request) const {
    auto image = images(request).find(request.parameter("fingerprint"));
    // The same answer whether it is there or not.
    if (!request.access.trusted() && (!image.ok() || !may_see(request, *image))) {
      return Error(ErrorKind::kNotFound, "Image not found");
    }
    return image;
  }

  Result<Reply> create_from_source(const Request& request, const std::string& json) {
    const auto body = TRY(api::decode<api::ImageCreate>(json));
    const std::string& type = body.source.type;
    if (body.source.mode == "push" && (type.empty() || type == "image")) {
      return operation_reply(operations_, announce_upload(request, body));
    }
    if (type == "image" || type == "url")
      return operation_reply(operations_, TRY(fetches_->start(body, request.project_of_images)));
    if (type == "instance" || type == "container" || type == "snapshot" || type == "virtual-machine") {
      return publish_(request.project, json);
    }
    return invalid_value("source.type", type, "unknown source");
  }

  // An upload that was announced by somebody who is trusted. Whoever sends it cannot look at operations, so the answer
  // waits for the import's end.
  Result<Reply> receive_announced(const Request& request, BodyReader& body, std::string_view secret,
                                  manager::ImageUpload told) {
    auto wanted = uploads_.take(secret);
    if (!wanted) return Error(ErrorKind::kDenied, "not authorized");
    manager::ImageUpload upload = *std::move(wanted);
    upload.filename = told.filename;
    if (upload.fingerprint.empty()) upload.fingerprint = told.fingerprint;
    manager::Images& into = images_.in(upload.project);
    TRY(receive_image(request, body, into.upload_directory(), upload));
    const manager::OperationRecord ended = TRY(operations_.wait(TRY(into.import(std::move(upload))), std::nullopt));
    if (!ended.error.empty()) return Error(ErrorKind::kIo, ended.error);
    return operation_reply(operations_, ended.id);
  }

  manager::OperationId announce_upload(const Request& request, const api::ImageCreate& body) {
    manager::ImageUpload wanted;
    wanted.project = request.project_of_images;
    wanted.fingerprint = body.source.fingerprint;
    wanted.is_public = body.is_public;
    wanted.auto_update = body.auto_update;
    wanted.properties = body.properties;
    for (const auto& alias : body.aliases) wanted.aliases.push_back({alias.name, alias.description});
    return uploads_.create(wanted);
  }

  template <typename Change>
  Result<Reply> change(const Request& request, const Change& apply) {
    const std::lock_guard lock(changing_);
    const manager::Image present = TRY(images(request).find(request.parameter("fingerprint")));
    if (auto refused = check_if_match(request, api::encode(writable_part(present)))) return *std::move(refused);
    TRY(apply(present.fingerprint));
    return empty_reply();
  }

  manager::Images& images_;
  manager::Operations& operations_;
  const std::shared_ptr<ImageFetches> fetches_;
  const PublishImage publish_;
  ImageSecrets secrets_;
  ImageUploadTokens uploads_;
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
  router.add("POST", one + "/export", [handlers](const Request& request) { return handlers->push(request); });
  router.add("POST", one + "/refresh", [handlers](const Request& request) { return handlers->refresh(request); });
  router.add("POST", one + "/secret", [handlers](const Request& request) { return handlers->make_secret(request); });
  router.add("GET", one + "/export", [handlers](const Request& request) { return handlers->export_files(request); });
}

}  // namespace cella::daemon
