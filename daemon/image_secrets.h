// Secrets by which another server fetches one image that is not public.
#pragma once

#include <chrono>
#include <list>
#include <mutex>
#include <string>
#include <string_view>

#include "manager/operations.h"

namespace cella::daemon {

// Thread-safe. operations outlives it.
class ImageSecrets {
 public:
  explicit ImageSecrets(manager::Operations& operations) : operations_(operations) {}

  // A token operation of the image's project with the secret in its metadata, for one download within an hour.
  manager::OperationId create(const std::string& fingerprint, const std::string& project);
  bool accepts(const std::string& fingerprint, std::string_view secret) const;
  // The download has begun: the secret is good for a few more seconds, for a client that tries twice.
  void use(const std::string& fingerprint, std::string_view secret);

 private:
  struct Secret {
    std::string fingerprint;
    std::string text;
    std::chrono::steady_clock::time_point until;
    manager::OperationHandle operation;
  };
  static bool fits(const Secret& secret, const std::string& fingerprint, std::string_view text);

  manager::Operations& operations_;
  mutable std::mutex mutex_;
  std::list<Secret> secrets_;
};

}  // namespace cella::daemon
