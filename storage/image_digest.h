// An image's fingerprint: SHA-256, hexadecimal, lower case.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "storage/volume.h"

namespace cella::storage {

// SHA-256 of bytes as they come.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  void add(std::string_view bytes);
  // 64 hexadecimal digits; add() must not be called afterwards.
  std::string finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Fingerprint of an image: digest of the unified tarball, or of the metadata tarball followed by the rootfs file.
Result<std::string> image_fingerprint(const ImageFiles& files, const Watch& watch);

}  // namespace cella::storage
