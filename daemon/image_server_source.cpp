// Images of servers that speak this API.
#include "daemon/image_source.h"

#include <optional>

#include "api/client.h"
#include "api/codec.h"
#include "api/image.h"
#include "base/fd.h"
#include "base/files.h"
#include "daemon/multipart.h"
#include "daemon/server_address.h"

namespace cella::daemon {
namespace {

template <typename T>
Result<T> get(api::Client& client, const std::string& target) {
  const api::Answer answer = TRY(client.call({.method = "GET", .target = target, .body = {}, .headers = {}}));
  return api::decode<T>(answer.response.metadata.text);
}

Result<api::Image> find_image(api::Client& client, const ImageRequest& source, const std::string& query) {
  std::string fingerprint = source.fingerprint;
  if (fingerprint.empty()) {
    const auto alias = TRY(get<api::Alias>(client, "/1.0/images/aliases/" + api::percent_encode(source.alias)));
    fingerprint = alias.target;
  }
  auto image = TRY(get<api::Image>(client, "/1.0/images/" + api::percent_encode(fingerprint) + query));
  // What is not the image asked for must not come in under its name.
  const bool plain =
      image.fingerprint.size() == 64 && image.fingerprint.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!plain || !image.fingerprint.starts_with(fingerprint)) {
    return Error(ErrorKind::kIo, source.server + " answered with another image than " + fingerprint);
  }
  return image;
}

// The files as they come: one, or the two parts of a split image.
class Arrival {
 public:
  Arrival(const std::string& directory, manager::ImageUpload& upload) : directory_(directory), upload_(upload) {}

  Result<void> begin(const api::HttpAnswer& answer) {
    const std::string type = answer.header("Content-Type");
    if (!type.starts_with("multipart/")) return open(upload_.metadata_path);
    parser_.emplace(TRY(multipart_boundary(type)),
                    MultipartParser::Sink{.begin = [this](const PartHead& head) { return begin_part(head.name); },
                                          .data = [this](std::string_view data) { return write_all(file_, data); },
                                          .end = []() -> Result<void> { return kOk; }});
    return kOk;
  }
  Result<void> take(std::string_view piece) { return parser_ ? parser_->feed(piece) : write_all(file_, piece); }
  Result<void> finish() {
    if (!parser_) return kOk;
    TRY(parser_->finish());
    if (!upload_.metadata_path.empty() && !upload_.rootfs_path.empty()) return kOk;
    return Error(ErrorKind::kIo, "the server sent only a part of the image");
  }

 private:
  Result<void> begin_part(const std::string& name) {
    if (name != "metadata" && name != "rootfs") return invalid_value("part", name, "expected metadata or rootfs");
    std::string& path = name == "metadata" ? upload_.metadata_path : upload_.rootfs_path;
    if (!path.empty()) return invalid_value("part", name, "comes twice");
    return open(path);
  }
  Result<void> open(std::string& path) {
    file_ = TRY(create_download(directory_, path));
    return kOk;
  }

  const std::string& directory_;
  manager::ImageUpload& upload_;
  Fd file_;
  std::optional<MultipartParser> parser_;
};

class ServerSource final : public ImageSource {
 public:
  ServerSource(ImageRequest request, api::TlsServer server) : request_(std::move(request)), server_(std::move(server)) {}

  Result<FoundImage> find() override {
    client_.emplace(TRY(api::Client::connect_tls(server_)));
    client_->set_project(request_.project);
    const api::Image image = TRY_CONTEXT(request_.server, find_image(*client_, request_, query()));
    fingerprint_ = image.fingerprint;
    return FoundImage{image.fingerprint, image.filename, image.properties, std::nullopt};
  }

  Result<void> download(const std::string& directory, manager::ImageUpload& upload,
                        const manager::OperationHandle& operation) override {
    Arrival arrival(directory, upload);
    TRY(client_->download(
        {.method = "GET", .target = "/1.0/images/" + fingerprint_ + "/export" + query(), .body = {}, .headers = {}},
        [&](std::string_view piece) { return arrival.take(piece); }, download_progress(operation),
        [&](const api::HttpAnswer& answer) { return arrival.begin(answer); }));
    return arrival.finish();
  }

 private:
  std::string query() const {
    return request_.secret.empty() ? "" : "?secret=" + api::percent_encode(request_.secret);
  }

  const ImageRequest request_;
  const api::TlsServer server_;
  std::optional<api::Client> client_;
  std::string fingerprint_;
};

}  // namespace

Result<std::unique_ptr<ImageSource>> open_server_source(const ImageRequest& request) {
  return std::unique_ptr<ImageSource>(std::make_unique<ServerSource>(request, TRY(tls_server_of(request.server, request.certificate, "source.server"))));
}

}  // namespace cella::daemon
