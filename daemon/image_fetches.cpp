#include "daemon/image_fetches.h"

#include "manager/image_files.h"
#include "manager/image_policy.h"

namespace cella::daemon {
namespace {

Result<ImageRequest> request_of(const api::ImageSource& source) {
  if (source.type == "url") {
    ImageRequest request;
    request.server = source.url;
    request.protocol = "direct";
    request.certificate = source.certificate;
    return request;
  }
  if (!source.mode.empty() && source.mode != "pull") {
    return invalid_value("source.mode", source.mode, "expected pull or push");
  }
  if (!source.image_type.empty() && source.image_type != "container") {
    return invalid_value("source.image_type", source.image_type, "only containers are served");
  }
  return ImageRequest{source.server,      source.protocol, source.certificate, source.fingerprint,
                      source.alias,       source.secret,   source.project};
}

// Only what can be asked for again by name can be looked for again.
std::optional<manager::ImageOrigin> origin_of(const ImageRequest& request) {
  if (request.alias.empty()) return std::nullopt;
  return manager::ImageOrigin{request.server, request.protocol.empty() ? "lxd" : request.protocol, request.alias,
                              request.certificate};
}

ImageRequest request_to(const manager::ImageOrigin& origin) {
  ImageRequest request;
  request.server = origin.server;
  request.protocol = origin.protocol;
  request.certificate = origin.certificate;
  request.alias = origin.alias;
  return request;
}

}  // namespace

Result<manager::FetchImage> fetch_for_instance(const std::shared_ptr<ImageFetches>& fetches,
                                               const api::InstanceSource& source, const std::string& project,
                                               const manager::Config& config) {
  if (source.type != "image" || source.server.empty()) return manager::FetchImage();
  if (!source.mode.empty() && source.mode != "pull") return invalid_value("source.mode", source.mode, "expected pull");
  const ImageRequest request{source.server, source.protocol, source.certificate, source.fingerprint,
                             source.alias,  source.secret,   source.project};
  TRY(open_image_source(request));
  manager::ImageUpload wanted;
  wanted.project = project;
  wanted.cached = true;
  wanted.auto_update = manager::image_policy(config).update_cached;
  return manager::FetchImage([fetches, request, wanted](const manager::OperationHandle& operation) {
    return fetches->fetch(request, wanted, operation);
  });
}

// The right to download one image; others who want it wait for its end.
class ImageFetches::Turn {
 public:
  // Errors: kCancelled when the operation is cancelled while it waits.
  static Result<Turn> wait(ImageFetches& fetches, const std::string& fingerprint,
                           const manager::OperationHandle& operation) {
    const manager::OperationHandle::Waiting waiting(operation);
    std::unique_lock lock(fetches.mutex_);
    const bool free = fetches.changed_.wait(lock, operation.stop_token(),
                                            [&] { return !fetches.under_way_.contains(fingerprint); });
    if (!free) return Error(ErrorKind::kCancelled, "download");
    fetches.under_way_.insert(fingerprint);
    return Turn(fetches, fingerprint);
  }
  Turn(Turn&& other) noexcept : fetches_(std::exchange(other.fetches_, nullptr)), fingerprint_(other.fingerprint_) {}
  Turn& operator=(Turn&&) = delete;
  ~Turn() {
    if (fetches_ == nullptr) return;
    {
      const std::lock_guard lock(fetches_->mutex_);
      fetches_->under_way_.erase(fingerprint_);
    }
    fetches_->changed_.notify_all();
  }

 private:
  Turn(ImageFetches& fetches, std::string fingerprint) : fetches_(&fetches), fingerprint_(std::move(fingerprint)) {}
  ImageFetches* fetches_;
  std::string fingerprint_;
};

Result<void> ImageFetches::download(ImageSource& source, const FoundImage& found, manager::ImageUpload upload,
                                    const manager::OperationHandle& operation) {
  upload.fingerprint = found.fingerprint;
  upload.filename = found.filename;
  for (const auto& [key, value] : found.properties) upload.properties.emplace(key, value);
  if (!upload.expires_at) upload.expires_at = found.expires_at;
  const Result<void> downloaded = source.download(images_.upload_directory(), upload, operation);
  if (!downloaded.ok()) {
    manager::discard_upload(upload);
    return downloaded;
  }
  return images_.in(upload.project).import_within(upload, operation);
}

Result<std::string> ImageFetches::fetch(const ImageRequest& request, const manager::ImageUpload& wanted,
                                        const manager::OperationHandle& operation) {
  const auto source = TRY(open_image_source(request));
  const FoundImage found = TRY(source->find());
  operation.set_metadata("fingerprint", found.fingerprint);
  const Turn turn = TRY(Turn::wait(*this, found.fingerprint, operation));
  manager::Images& images = images_.in(wanted.project);
  if (!images.find(found.fingerprint).ok()) {
    manager::ImageUpload upload = wanted;
    upload.origin = origin_of(request);
    TRY(download(*source, found, std::move(upload), operation));
    return found.fingerprint;
  }
  for (const auto& alias : wanted.aliases) {
    TRY(images.create_alias({.name = alias.name, .description = alias.description, .target = found.fingerprint}));
  }
  if (!wanted.cached) TRY(images.keep(found.fingerprint));
  operation.add_resource("images", found.fingerprint);
  return found.fingerprint;
}

Result<manager::OperationId> ImageFetches::start(const api::ImageCreate& body, const std::string& project) {
  const ImageRequest source = TRY(request_of(body.source));
  TRY(open_image_source(source));
  manager::ImageUpload wanted;
  wanted.project = project;
  wanted.is_public = body.is_public;
  wanted.auto_update = body.auto_update;
  wanted.properties = body.properties;
  for (const auto& alias : body.aliases) wanted.aliases.push_back({alias.name, alias.description});
  manager::OperationRequest request;
  request.description = "Downloading image";
  request.project = project;
  request.may_cancel = true;
  return operations_.start(
      std::move(request),
      [self = shared_from_this(), source, wanted](const manager::OperationHandle& operation) -> Result<void> {
        TRY(self->fetch(source, wanted, operation));
        return kOk;
      });
}

Result<bool> ImageFetches::refresh_now(const manager::Image& image, const manager::OperationHandle& operation) {
  const ImageRequest request = request_to(*image.origin);
  const FoundImage found = TRY(TRY(open_image_source(request))->find());
  if (found.fingerprint == image.fingerprint) return false;
  manager::ImageUpload wanted;
  wanted.project = image.project;
  wanted.cached = image.cached;
  TRY(fetch(request, wanted, operation));
  TRY(images_.in(image.project).supersede(image.fingerprint, found.fingerprint));
  return true;
}

Result<manager::OperationId> ImageFetches::refresh(const std::string& project, const std::string& fingerprint) {
  const manager::Image image = TRY(images_.in(project).find(fingerprint));
  if (!image.origin) {
    return invalid_value("fingerprint", image.fingerprint, "the image has no origin that could have a newer one");
  }
  manager::OperationRequest request;
  request.description = "Refreshing image";
  request.project = project;
  request.resources["images"] = {image.fingerprint};
  request.may_cancel = true;
  return operations_.start(
      std::move(request),
      [self = shared_from_this(), image](const manager::OperationHandle& operation) -> Result<void> {
        const bool refreshed = TRY(self->refresh_now(image, operation));
        operation.set_metadata("refreshed", refreshed);
        return kOk;
      });
}

void ImageFetches::update_all(const std::function<void(const std::string& fingerprint, const Error&)>& failed) {
  manager::OperationRequest request;
  request.description = "Updating images";
  request.may_cancel = true;
  operations_.start(std::move(request),
                    [self = shared_from_this(), failed](const manager::OperationHandle& operation) -> Result<void> {
                      for (const manager::Image& image : self->images_.list_all()) {
                        if (operation.cancel_requested()) return Error(ErrorKind::kCancelled, "update of images");
                        if (!image.auto_update || !image.origin) continue;
                        const Result<bool> refreshed = self->refresh_now(image, operation);
                        if (!refreshed.ok()) failed(image.fingerprint, refreshed.error());
                      }
                      return kOk;
                    });
}

}  // namespace cella::daemon
