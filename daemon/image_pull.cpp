#include "daemon/image_pull.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "api/client.h"
#include "api/codec.h"
#include "api/image.h"
#include "base/fd.h"
#include "base/files.h"
#include "daemon/multipart.h"

namespace cella::daemon {
namespace {

// Host and port of "https://host:port".
Result<api::TlsServer> server_of(const PullSource& source) {
  constexpr std::string_view kHttps = "https://";
  std::string_view rest = source.server;
  if (!rest.starts_with(kHttps)) return invalid_value("source.server", source.server, "must start with https://");
  rest.remove_prefix(kHttps.size());
  rest = rest.substr(0, rest.find('/'));
  const std::size_t bracket = rest.starts_with('[') ? rest.find(']') : std::string_view::npos;
  const std::size_t colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  api::TlsServer server{.host = std::string(rest.substr(0, colon)), .port = "443"};
  if (colon != std::string_view::npos) server.port = rest.substr(colon + 1);
  if (bracket != std::string_view::npos) server.host = rest.substr(1, bracket - 1);
  const bool digits = !server.port.empty() && server.port.size() <= 5 &&
                      server.port.find_first_not_of("0123456789") == std::string::npos;
  if (server.host.empty() || !digits)
    return invalid_value("source.server", source.server, "expected https://host:port");
  server.certificate = source.certificate;
  server.trust = source.certificate.empty() ? api::TlsTrust::kAuthorities : api::TlsTrust::kPinned;
  return server;
}

template <typename T>
Result<T> get(api::Client& client, const std::string& target) {
  const api::Answer answer = TRY(client.call({.method = "GET", .target = target, .body = {}, .headers = {}}));
  return api::decode<T>(answer.response.metadata.text);
}

Result<api::Image> find_image(api::Client& client, const PullSource& source, const std::string& query) {
  std::string fingerprint = source.fingerprint;
  if (fingerprint.empty()) {
    if (source.alias.empty()) return Error(ErrorKind::kInvalid, "source: must have an alias or a fingerprint");
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
    const std::string made = directory_ + "/pull-" + manager::random_uuid();
    file_ = TRY(open_path(made, O_WRONLY | O_CREAT | O_EXCL, 0600));
    path = made;
    return kOk;
  }

  const std::string& directory_;
  manager::ImageUpload& upload_;
  Fd file_;
  std::optional<MultipartParser> parser_;
};

// "rootfs: 42% (3.10MB/s)", at most four times a second.
api::TransferProgress progress_of(const manager::OperationHandle& operation) {
  using Clock = std::chrono::steady_clock;
  return [operation, begun = Clock::now(), told = Clock::time_point()](std::uint64_t done,
                                                                       std::uint64_t total) mutable {
    const auto now = Clock::now();
    if (now - told > std::chrono::milliseconds(250)) {
      told = now;
      const double seconds = std::max(0.001, std::chrono::duration<double>(now - begun).count());
      char text[80];
      std::snprintf(text, sizeof text, "rootfs: %d%% (%.2fMB/s)", total == 0 ? 0 : static_cast<int>(done * 100 / total),
                    static_cast<double>(done) / 1e6 / seconds);
      operation.set_metadata("download_progress", std::string(text));
    }
    return !operation.cancel_requested();
  };
}

Result<void> download(api::Client& client, const std::string& target, Arrival& arrival,
                      const manager::OperationHandle& operation) {
  TRY(client.download(
      {.method = "GET", .target = target, .body = {}, .headers = {}},
      [&](std::string_view piece) { return arrival.take(piece); }, progress_of(operation),
      [&](const api::HttpAnswer& answer) { return arrival.begin(answer); }));
  return arrival.finish();
}

Result<void> check_request(const api::ImageSource& source) {
  if (!source.protocol.empty() && source.protocol != "lxd") {
    return Error(ErrorKind::kUnsupported, "source.protocol \"" + source.protocol + "\": only lxd is served");
  }
  if (!source.mode.empty() && source.mode != "pull") {
    return Error(ErrorKind::kUnsupported, "source.mode \"" + source.mode + "\": only pull is served");
  }
  if (!source.image_type.empty() && source.image_type != "container") {
    return invalid_value("source.image_type", source.image_type, "only containers are served");
  }
  if (source.fingerprint.empty() && source.alias.empty()) {
    return Error(ErrorKind::kInvalid, "source: must have an alias or a fingerprint");
  }
  return kOk;
}

// The import checks the digest, in an operation of its own; this one ends as that does.
Result<void> import_pulled(manager::Images& images, manager::Operations& operations, manager::ImageUpload upload,
                           const manager::OperationHandle& operation) {
  const std::string fingerprint = upload.fingerprint;
  operation.set_metadata("fingerprint", fingerprint);
  const manager::OperationId import = TRY(images.import(std::move(upload)));
  {
    const manager::OperationHandle::Waiting waiting(operation);
    const auto record = TRY(operations.wait(import, std::nullopt));
    if (!record.error.empty()) return Error(ErrorKind::kIo, record.error);
  }
  operation.add_resource("images", fingerprint);
  return kOk;
}

}  // namespace

Result<manager::OperationId> start_pull(manager::Images& images, manager::Operations& operations,
                                        const api::ImageCreate& body) {
  const api::ImageSource& from = body.source;
  TRY(check_request(from));
  const PullSource source{from.server, from.certificate, from.fingerprint, from.alias, from.secret, from.project};
  TRY(server_of(source));
  manager::ImageUpload upload;
  upload.is_public = body.is_public;
  upload.properties = body.properties;
  for (const auto& alias : body.aliases) upload.aliases.push_back({alias.name, alias.description});
  manager::OperationRequest request;
  request.description = "Downloading image";
  request.may_cancel = true;
  return operations.start(
      std::move(request),
      [&images, &operations, source, upload](const manager::OperationHandle& operation) -> Result<void> {
        manager::ImageUpload pulled = upload;
        TRY(pull_image(source, images.upload_directory(), pulled, operation));
        return import_pulled(images, operations, std::move(pulled), operation);
      });
}

Result<void> pull_image(const PullSource& source, const std::string& directory, manager::ImageUpload& upload,
                        const manager::OperationHandle& operation) {
  auto client = TRY(api::Client::connect_tls(TRY(server_of(source))));
  client.set_project(source.project);
  const std::string query = source.secret.empty() ? "" : "?secret=" + api::percent_encode(source.secret);
  const api::Image image = TRY_CONTEXT(source.server, find_image(client, source, query));
  upload.filename = image.filename;
  upload.fingerprint = image.fingerprint;
  for (const auto& [key, value] : image.properties) upload.properties.emplace(key, value);
  Arrival arrival(directory, upload);
  Result<void> outcome = download(client, "/1.0/images/" + image.fingerprint + "/export" + query, arrival, operation);
  if (outcome.ok()) return outcome;
  for (const std::string* path : {&upload.metadata_path, &upload.rootfs_path}) {
    if (!path->empty()) unlink(path->c_str());
  }
  return outcome;
}

}  // namespace cella::daemon
