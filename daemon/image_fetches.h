// Images fetched from elsewhere: each one once, whoever asks for it at the same time; and newer ones in their place.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "api/image.h"
#include "api/instance.h"
#include "base/result.h"
#include "daemon/image_source.h"
#include "manager/images.h"
#include "manager/instance.h"
#include "manager/operations.h"

namespace cella::daemon {

// Thread-safe; held by a shared_ptr, also by the operations it starts. images and operations outlive those.
class ImageFetches : public std::enable_shared_from_this<ImageFetches> {
 public:
  ImageFetches(manager::Images& images, manager::Operations& operations) : images_(images), operations_(operations) {}

  // Brings the image here, as part of the operation; returns its fingerprint. One that is here already is not
  // downloaded; its wanted.aliases are made all the same, and it stays for good unless wanted.cached.
  // wanted: everything of the upload but what is found out (paths, fingerprint, file name, properties, origin).
  // Errors: those of ImageSource; kInvalid when the files' digest is not the fingerprint; kExists for an alias.
  Result<std::string> fetch(const ImageRequest& request, const manager::ImageUpload& wanted,
                            const manager::OperationHandle& operation);

  // POST /1.0/images with source.type "image" (pull) or "url": an operation "Downloading image".
  // Errors: kInvalid, kUnsupported naming the member.
  Result<manager::OperationId> start(const api::ImageCreate& body, const std::string& project);

  // Asks the image's origin for a newer one: an operation "Refreshing image" with metadata "refreshed".
  // Errors: kNotFound; kInvalid when it has no origin to ask.
  Result<manager::OperationId> refresh(const std::string& project, const std::string& fingerprint);
  // The same for every image with auto_update, in one operation "Updating images". Failures are logged.
  void update_all(const std::function<void(const std::string& fingerprint, const Error&)>& failed);

 private:
  class Turn;
  Result<bool> refresh_now(const manager::Image& image, const manager::OperationHandle& operation);
  Result<void> download(ImageSource& source, const FoundImage& found, manager::ImageUpload upload,
                        const manager::OperationHandle& operation);

  manager::Images& images_;
  manager::Operations& operations_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::set<std::string> under_way_;  // fingerprints
};

// What makes an instance of an image that another server has: empty for every other source. The image is a cached one
// when it was not in the project, kept up to date where `config` (the server's) does not say otherwise.
// Errors: kInvalid, kUnsupported naming the member.
Result<manager::FetchImage> fetch_for_instance(const std::shared_ptr<ImageFetches>& fetches,
                                               const api::InstanceSource& source, const std::string& project,
                                               const manager::Config& config);

}  // namespace cella::daemon
