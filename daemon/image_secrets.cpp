#include "daemon/image_secrets.h"

#include <openssl/crypto.h>

#include "daemon/socket_operations.h"

namespace cella::daemon {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

bool ImageSecrets::fits(const Secret& secret, const std::string& fingerprint, std::string_view text) {
  return secret.fingerprint == fingerprint && secret.until > Clock::now() && secret.text.size() == text.size() &&
         CRYPTO_memcmp(secret.text.data(), text.data(), text.size()) == 0;
}

manager::OperationId ImageSecrets::create(const std::string& fingerprint, const std::string& project) {
  const std::string text = make_secrets({"secret"}).at("secret");
  manager::OperationRequest request;
  request.description = "Image download token";
  request.operation_class = manager::OperationClass::kToken;
  request.resources["images"] = {fingerprint};
  request.project = project;
  request.metadata["secret"] = text;
  const manager::OperationHandle operation = operations_.begin(std::move(request));
  const std::lock_guard lock(mutex_);
  secrets_.remove_if([](const Secret& secret) {
    if (secret.until > Clock::now()) return false;
    secret.operation.finish(kOk);
    return true;
  });
  secrets_.push_back({fingerprint, text, Clock::now() + std::chrono::hours(1), operation});
  return operation.id();
}

bool ImageSecrets::accepts(const std::string& fingerprint, std::string_view secret) const {
  const std::lock_guard lock(mutex_);
  for (const Secret& known : secrets_) {
    if (fits(known, fingerprint, secret)) return true;
  }
  return false;
}

void ImageSecrets::use(const std::string& fingerprint, std::string_view secret) {
  const std::lock_guard lock(mutex_);
  for (Secret& known : secrets_) {
    if (!fits(known, fingerprint, secret)) continue;
    known.until = std::min(known.until, Clock::now() + std::chrono::seconds(5));
    known.operation.finish(kOk);
  }
}

}  // namespace cella::daemon
