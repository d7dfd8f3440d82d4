#include "daemon/socket_operations.h"

#include <openssl/crypto.h>
#include <sys/random.h>

namespace cella::daemon {
namespace {

std::string random_hex(std::size_t bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string raw(bytes, '\0');
  // Up to 256 bytes cannot be cut short once the kernel's pool is ready.
  while (getrandom(raw.data(), raw.size(), 0) != static_cast<ssize_t>(raw.size())) {
  }
  std::string out;
  for (const char c : raw) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace

SocketSecrets make_secrets(const std::vector<std::string>& names) {
  SocketSecrets secrets;
  for (const std::string& name : names) secrets[name] = random_hex(32);
  return secrets;
}

void SocketOperations::add(const std::string& operation, SocketSecrets secrets, std::weak_ptr<SocketOperation> target) {
  const std::lock_guard lock(mutex_);
  entries_[operation] = {std::move(secrets), std::move(target)};
}

void SocketOperations::remove(const std::string& operation) {
  const std::lock_guard lock(mutex_);
  entries_.erase(operation);
}

Result<SocketOperations::Claim> SocketOperations::claim(const std::string& operation, std::string_view secret) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(operation);
  if (entry == entries_.end()) return Error(ErrorKind::kNotFound, "operation " + operation + " has no sockets");
  for (auto it = entry->second.secrets.begin(); it != entry->second.secrets.end(); ++it) {
    if (it->second.size() != secret.size() || CRYPTO_memcmp(it->second.data(), secret.data(), secret.size()) != 0) {
      continue;
    }
    Claim claim{it->first, entry->second.target.lock()};
    if (!claim.target) return Error(ErrorKind::kNotFound, "operation " + operation + " has ended");
    entry->second.secrets.erase(it);
    return claim;
  }
  return Error(ErrorKind::kDenied, "operation " + operation + ": no socket has this secret");
}

}  // namespace cella::daemon
