#include "storage/image_digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <vector>

namespace cella::storage {

struct Digest::Context {
  EVP_MD_CTX* handle = ::EVP_MD_CTX_new();
  Context() { ::EVP_DigestInit_ex(handle, ::EVP_sha256(), nullptr); }
  ~Context() { ::EVP_MD_CTX_free(handle); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

Digest::Digest() : context_(std::make_unique<Context>()) {}
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::add(std::string_view bytes) { ::EVP_DigestUpdate(context_->handle, bytes.data(), bytes.size()); }

std::string Digest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  ::EVP_DigestFinal_ex(context_->handle, hash.data(), &size);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text.push_back(kDigits[hash[i] >> 4]);
    text.push_back(kDigits[hash[i] & 15]);
  }
  return text;
}

Result<std::string> image_fingerprint(const ImageFiles& files, const Watch& watch) {
  std::vector<Fd> inputs;
  std::uint64_t total = 0;
  for (const std::string* path : {&files.metadata_path, &files.rootfs_path}) {
    if (path->empty()) continue;
    inputs.push_back(TRY(open_path(*path, O_RDONLY)));
    struct stat status {};
    if (::fstat(inputs.back().get(), &status) != 0) return errno_error(errno, "stat " + *path);
    total += static_cast<std::uint64_t>(status.st_size);
  }
  Digest digest;
  std::uint64_t done = 0;
  std::string buffer(1u << 20, '\0');
  for (const Fd& input : inputs) {
    for (;;) {
      const ssize_t count = ::read(input.get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno_error(errno, "read image");
      if (count == 0) break;
      digest.add(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
      done += static_cast<std::uint64_t>(count);
      if (watch.cancelled && watch.cancelled()) return Error(ErrorKind::kCancelled, "fingerprint");
      if (watch.progress) watch.progress(done, total);
    }
  }
  return digest.finish();
}

}  // namespace cella::storage
