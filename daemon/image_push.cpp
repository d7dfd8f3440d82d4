#include "daemon/image_push.h"

#include <openssl/crypto.h>

#include "api/client.h"
#include "daemon/image_source.h"
#include "daemon/server_address.h"
#include "daemon/socket_operations.h"

namespace cella::daemon {
namespace {

using Clock = std::chrono::steady_clock;

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string aliases_query(const std::vector<api::ImageAlias>& aliases) {
  std::string query;
  for (const api::ImageAlias& alias : aliases) {
    query += (query.empty() ? "alias=" : "&alias=") + api::percent_encode(alias.name);
  }
  return query;
}

Result<void> upload(const manager::ImageExport& files, const manager::Image& image, const api::ImageExport& to,
                    const manager::OperationHandle& operation) {
  auto client = TRY(api::Client::connect_tls(TRY(tls_server_of(to.target, to.certificate, "target"))));
  const api::TransferProgress progress = download_progress(operation);
  const auto body = files.rootfs
                        ? TRY(api::multipart_upload({{"metadata", files.metadata.filename, files.metadata.path},
                                                     {"rootfs", files.rootfs->filename, files.rootfs->path}},
                                                    progress))
                        : TRY(api::file_upload(files.metadata.path, progress));
  api::Request request{.method = "POST", .target = "/1.0/images", .body = {}, .headers = {}};
  request.headers = {{"X-LXD-secret", to.secret},
                     {"X-LXD-fingerprint", image.fingerprint},
                     {"X-LXD-filename", image.filename},
                     {"X-LXD-aliases", aliases_query(to.aliases)}};
  TRY_CONTEXT(to.target, client.upload(request, body));
  return kOk;
}

}  // namespace

void ImageUploadTokens::drop_ended_locked() {
  tokens_.remove_if([](const Token& token) {
    if (token.until > Clock::now() && !token.operation.record().finished()) return false;
    token.operation.finish(kOk);
    return true;
  });
}

manager::OperationId ImageUploadTokens::create(const manager::ImageUpload& wanted) {
  const std::string secret = make_secrets({"secret"}).at("secret");
  manager::OperationRequest request;
  request.description = "Image upload token";
  request.operation_class = manager::OperationClass::kToken;
  request.metadata["secret"] = secret;
  request.may_cancel = true;
  request.project = wanted.project;
  const manager::OperationHandle operation = operations_.begin(std::move(request));
  const std::lock_guard lock(mutex_);
  drop_ended_locked();
  const std::function<void()> end = [operation] { operation.finish(Error(ErrorKind::kCancelled, "image upload")); };
  tokens_.push_back({secret, wanted, Clock::now() + std::chrono::hours(1), operation,
                     std::make_shared<std::stop_callback<std::function<void()>>>(operation.stop_token(), end)});
  return operation.id();
}

std::optional<manager::ImageUpload> ImageUploadTokens::take(std::string_view secret) {
  const std::lock_guard lock(mutex_);
  drop_ended_locked();
  for (auto token = tokens_.begin(); token != tokens_.end(); ++token) {
    if (!same(token->secret, secret) || token->operation.cancel_requested()) continue;
    manager::ImageUpload wanted = std::move(token->wanted);
    token->operation.finish(kOk);
    tokens_.erase(token);
    return wanted;
  }
  return std::nullopt;
}

Result<manager::OperationId> push_image(manager::Images& images, manager::Operations& operations,
                                        const manager::Image& image, const api::ImageExport& to) {
  TRY(tls_server_of(to.target, to.certificate, "target"));
  if (to.secret.empty()) return Error(ErrorKind::kInvalid, "secret: must be the target's");
  manager::OperationRequest request;
  request.description = "Exporting image";
  request.resources["images"] = {image.fingerprint};
  request.may_cancel = true;
  request.project = image.project;
  return operations.start(std::move(request), [&images, image, to](const manager::OperationHandle& operation) {
    const auto files = images.export_files(image.fingerprint);
    return files.ok() ? upload(*files, image, to, operation) : Result<void>(files.error());
  });
}

}  // namespace cella::daemon
