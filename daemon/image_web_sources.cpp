// Images of simplestreams servers, and images by their address.
#include "api/simplestreams.h"
#include "api/web.h"
#include "daemon/image_source.h"
#include "daemon/wire.h"
#include "manager/images.h"

namespace cella::daemon {
namespace {

constexpr std::uint64_t kMaxMetadataBytes = 64u << 20;
constexpr std::uint64_t kMaxImageBytes = std::uint64_t{64} << 30;

class StreamSource final : public ImageSource {
 public:
  explicit StreamSource(ImageRequest request) : request_(std::move(request)) {}

  Result<FoundImage> find() override {
    const std::string& name = request_.alias.empty() ? request_.fingerprint : request_.alias;
    const auto images = TRY(api::fetch_stream_images(request_.server, request_.certificate));
    image_ = TRY_CONTEXT(request_.server, api::find_stream_image(images, name, manager::host_architecture()));
    FoundImage found{image_.image.fingerprint, image_.image.filename, image_.image.properties, std::nullopt};
    found.expires_at = TRY_CONTEXT(request_.server, time_from_wire(image_.image.expires_at));
    return found;
  }

  Result<void> download(const std::string& directory, manager::ImageUpload& upload,
                        const manager::OperationHandle& operation) override {
    const std::uint64_t unified_limit = image_.rootfs ? kMaxMetadataBytes : kMaxImageBytes;
    TRY(fetch(image_.metadata, unified_limit, directory, upload.metadata_path, operation));
    if (!image_.rootfs) return kOk;
    return fetch(*image_.rootfs, kMaxImageBytes, directory, upload.rootfs_path, operation);
  }

 private:
  // A file longer than the server said is cut off; a shorter one does not get through the import's digest.
  Result<void> fetch(const api::StreamFile& from, std::uint64_t limit, const std::string& directory, std::string& path,
                     const manager::OperationHandle& operation) {
    const api::WebRequest request{.url = TRY(api::stream_url(request_.server, from.path)),
                                  .certificate = request_.certificate,
                                  .limit = from.size == 0 ? limit : std::min(limit, from.size)};
    const Fd file = TRY(create_download(directory, path));
    TRY(api::web_download(request, file, download_progress(operation)));
    return kOk;
  }

  const ImageRequest request_;
  api::StreamImage image_;
};

// The address answers with the headers LXD-Image-Hash and LXD-Image-URL, of a unified image.
class DirectSource final : public ImageSource {
 public:
  explicit DirectSource(ImageRequest request) : request_(std::move(request)) {}

  Result<FoundImage> find() override {
    const api::WebAnswer answer = TRY(api::web_head(
        {.url = request_.server,
         .certificate = request_.certificate,
         .headers = {{"LXD-Server-Architectures", manager::host_architecture()}, {"LXD-Server-Version", "5.0.2"}}}));
    FoundImage found;
    found.fingerprint = answer.header("LXD-Image-Hash");
    address_ = answer.header("LXD-Image-URL");
    const bool plain =
        found.fingerprint.size() == 64 && found.fingerprint.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!plain) return Error(ErrorKind::kInvalid, request_.server + ": no LXD-Image-Hash with an image's SHA-256");
    if (!address_.starts_with("https://"))
      return Error(ErrorKind::kInvalid, request_.server + ": no LXD-Image-URL with an https address");
    found.filename = address_.substr(address_.rfind('/') + 1);
    return found;
  }

  Result<void> download(const std::string& directory, manager::ImageUpload& upload,
                        const manager::OperationHandle& operation) override {
    const Fd file = TRY(create_download(directory, upload.metadata_path));
    const api::WebRequest request{.url = address_, .certificate = request_.certificate, .limit = kMaxImageBytes};
    TRY(api::web_download(request, file, download_progress(operation)));
    return kOk;
  }

 private:
  const ImageRequest request_;
  std::string address_;
};

}  // namespace

std::unique_ptr<ImageSource> make_stream_source(const ImageRequest& request) {
  return std::make_unique<StreamSource>(request);
}

std::unique_ptr<ImageSource> make_direct_source(const ImageRequest& request) {
  return std::make_unique<DirectSource>(request);
}

}  // namespace cella::daemon
