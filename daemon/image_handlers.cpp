// /1.0/images
#include <fcntl.h>

#include <mutex>

#include "api/codec.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/image_pull.h"
#include "daemon/image_secrets.h"
#include "daemon/image_upload.h"
#include "daemon/wire.h"
#include "manager/operations.h"

namespace cella::daemon {
namespace {

constexpr std::size_t kMaxJson = 1u << 20;

std::string url_of(const std::string& fingerprint) { return "/1.0/images/" + fingerprint; }

std::string quoted_filename(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out;
}

Result<BodyPiece> piece_of(const manager::ImageFile& file) {
  BodyPiece piece;
  piece.file = TRY(open_path(file.path, O_RDONLY));
  piece.size = static_cast<std::uint64_t>(file.size);
  return piece;
}

Reply octets() {
  Reply reply;
  reply.content_type = "application/octet-stream";
  return reply;
}

class ImageHandlers {
 public:
  ImageHandlers(manager::Images& images, manager::Operations& operations, PublishImage publish)
      : images_(images), operations_(operations), publish_(std::move(publish)), secrets_(operations) {}

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
    if (type.starts_with("application/json")) return create_from_source(TRY(read_all(body, kMaxJson)));
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

  Result<Reply> make_secret(const Request& request) {
    return operation_reply(operations_, secrets_.create(TRY(find(request)).fingerprint));
  }

  Result<Reply> export_files(const Request& request) {
    const manager::Image image = TRY(find(request));
    secrets_.use(image.fingerprint, request.query_value("secret"));
    const manager::ImageExport files = TRY(images_.export_files(image.fingerprint));
    if (files.rootfs) return export_split(files.metadata, *files.rootfs);
    Reply reply = octets();
    reply.headers.emplace_back("Content-Disposition", "inline;filename=" + quoted_filename(files.metadata.filename));
    reply.pieces.push_back(TRY(piece_of(files.metadata)));
    return reply;
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

  Result<Reply> create_from_source(const std::string& json) {
    const auto body = TRY(api::decode<api::ImageCreate>(json));
    const std::string& type = body.source.type;
    if (type == "image") return operation_reply(operations_, TRY(start_pull(images_, operations_, body)));
    if (type == "url") {
      return Error(ErrorKind::kUnsupported, "source.type \"" + type +
                                                "\": this server does not download images yet; "
                                                "upload the image's files");
    }
    if (type == "instance" || type == "container" || type == "snapshot" || type == "virtual-machine") {
      return publish_(json);
    }
    return invalid_value("source.type", type, "unknown source");
  }

  static Result<Reply> export_split(const manager::ImageFile& metadata, const manager::ImageFile& rootfs) {
    const std::string boundary = manager::random_uuid();
    const auto head = [&](const char* name, const manager::ImageFile& file) {
      BodyPiece piece;
      piece.text = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"" +
                   quoted_filename(file.filename) + "\"\r\nContent-Type: application/octet-stream\r\n\r\n";
      return piece;
    };
    const auto text = [](std::string value) {
      BodyPiece piece;
      piece.text = std::move(value);
      return piece;
    };
    Reply reply = octets();
    reply.content_type = "multipart/form-data; boundary=" + boundary;
    reply.pieces.push_back(head("metadata", metadata));
    reply.pieces.push_back(TRY(piece_of(metadata)));
    reply.pieces.push_back(text("\r\n"));
    reply.pieces.push_back(head("rootfs", rootfs));
    reply.pieces.push_back(TRY(piece_of(rootfs)));
    reply.pieces.push_back(text("\r\n--" + boundary + "--\r\n"));
    return reply;
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
  const PublishImage publish_;
  ImageSecrets secrets_;
  std::mutex changing_;  // nothing comes between If-Match and the change
};

}  // namespace

void add_image_routes(Router& router, manager::Images& images, manager::Operations& operations, PublishImage publish) {
  auto handlers = std::make_shared<ImageHandlers>(images, operations, std::move(publish));
  const std::string one = "/1.0/images/{fingerprint}";
  router.add("GET", "/1.0/images", [handlers](const Request& request) { return handlers->list(request); });
  router.add_upload("POST", "/1.0/images",
                    [handlers](const Request& request, BodyReader& body) { return handlers->create(request, body); });
  router.add("GET", one, [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", one, [handlers](const Request& request) { return handlers->put(request); });
  router.add("PATCH", one, [handlers](const Request& request) { return handlers->patch(request); });
  router.add("DELETE", one, [handlers](const Request& request) { return handlers->remove(request); });
  router.add("POST", one + "/secret", [handlers](const Request& request) { return handlers->make_secret(request); });
  router.add("GET", one + "/export", [handlers](const Request& request) { return handlers->export_files(request); });
}

}  // namespace cella::daemon
