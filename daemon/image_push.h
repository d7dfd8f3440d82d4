// Images sent to another server instead of fetched by it: the target gives a secret, the source uploads with it.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "api/image.h"
#include "base/result.h"
#include "manager/images.h"
#include "manager/operations.h"

namespace cella::daemon {

// At the target: uploads that somebody trusted has announced. Thread-safe. operations outlives it.
class ImageUploadTokens {
 public:
  explicit ImageUploadTokens(manager::Operations& operations) : operations_(operations) {}

  // A token operation with the secret in its metadata, for one upload within an hour. wanted: all of the upload but its
  // files.
  manager::OperationId create(const manager::ImageUpload& wanted);
  // What was announced with this secret, once; nullopt for a secret that is none.
  std::optional<manager::ImageUpload> take(std::string_view secret);

 private:
  struct Token {
    std::string secret;
    manager::ImageUpload wanted;
    std::chrono::steady_clock::time_point until;
    manager::OperationHandle operation;
    std::shared_ptr<std::stop_callback<std::function<void()>>> on_cancel;  // ends the operation
  };
  void drop_ended_locked();

  manager::Operations& operations_;
  std::mutex mutex_;
  std::list<Token> tokens_;
};

// At the source: an operation "Exporting image" that uploads the image's files to the target. images outlives it.
// Errors: kInvalid naming the member.
Result<manager::OperationId> push_image(manager::Images& images, manager::Operations& operations,
                                        const manager::Image& image, const api::ImageExport& to);

}  // namespace cella::daemon
