// The files of images below STATE/images: FINGERPRINT and FINGERPRINT.rootfs, and uploads/ for what is arriving.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "manager/image.h"
#include "storage/volume.h"

namespace cella::manager {

class ImageDirectory {
 public:
  // Makes the directories (0700), empties uploads/ and removes files of images that `known` does not know.
  static Result<ImageDirectory> open(const std::string& state_dir,
                                     const std::function<bool(const std::string&)>& known);

  const std::string& uploads() const { return uploads_; }
  // Durable: contents, then names. Errors: kNoSpace, kIo.
  Result<void> keep(const ImageUpload& upload, const std::string& fingerprint) const;
  Result<void> remove(const std::string& fingerprint) const;
  // Original files with the names an export gives them. Errors: kNotFound.
  Result<ImageExport> exported(const std::string& fingerprint) const;

 private:
  std::string directory_;
  std::string uploads_;
};

// Removes the files of an upload that was not kept.
void discard_upload(const ImageUpload& upload);

// ".tar.xz", ".tar.gz", ".tar.bz2", ".tar.zst", ".tar.lzma", ".squashfs", ".erofs" or ".tar", told by the first 2 KiB.
std::string image_extension(std::string_view head);

}  // namespace cella::manager
