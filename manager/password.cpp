#include "manager/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace cella::manager {
namespace {

constexpr std::string_view kPrefix = "scrypt:";
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;
constexpr std::uint64_t kCost = 16384, kBlocks = 8, kParallel = 1;
constexpr std::uint64_t kMemoryLimit = 64u << 20;

std::string hex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

// The salt's hexadecimal text is what is hashed: no need to read it back.
Result<std::string> derive(std::string_view password, std::string_view salt) {
  std::string hash(kHashBytes, '\0');
  // SAFETY: bytes as the unsigned ones that OpenSSL takes.
  const int made = EVP_PBE_scrypt(password.data(), password.size(), reinterpret_cast<const unsigned char*>(salt.data()),
                                  salt.size(), kCost, kBlocks, kParallel, kMemoryLimit,
                                  reinterpret_cast<unsigned char*>(hash.data()), hash.size());
  if (made != 1) return Error(ErrorKind::kInternal, "scrypt failed");
  return hex(hash);
}

}  // namespace

Result<std::string> hash_password(std::string_view password) {
  std::string raw(kSaltBytes, '\0');
  // SAFETY: as above.
  if (RAND_bytes(reinterpret_cast<unsigned char*>(raw.data()), static_cast<int>(raw.size())) != 1) {
    return Error(ErrorKind::kInternal, "no random bytes for a salt");
  }
  const std::string salt = hex(raw);
  return std::string(kPrefix) + salt + ":" + TRY(derive(password, salt));
}

Result<bool> matches_password(std::string_view password, std::string_view hash) {
  const std::size_t colon = hash.rfind(':');
  if (!hash.starts_with(kPrefix) || colon < kPrefix.size()) {
    return Error(ErrorKind::kInternal, "the stored password is no scrypt hash");
  }
  const std::string wanted(hash.substr(colon + 1));
  const std::string made = TRY(derive(password, hash.substr(kPrefix.size(), colon - kPrefix.size())));
  return made.size() == wanted.size() && CRYPTO_memcmp(made.data(), wanted.data(), made.size()) == 0;
}

}  // namespace cella::manager
