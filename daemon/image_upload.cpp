#include "daemon/image_upload.h"

#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include "api/client.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/units.h"
#include "daemon/multipart.h"
#include "manager/operations.h"

namespace cella::daemon {
namespace {

constexpr std::size_t kPieceBytes = 256u << 10;

// A new file below the upload directory, removed again unless kept.
class UploadFile {
 public:
  static Result<UploadFile> create(const std::string& directory) {
    UploadFile file;
    file.path_ = directory + "/upload-" + manager::random_uuid();
    file.fd_ = TRY(open_path(file.path_, O_WRONLY | O_CREAT | O_EXCL, 0600));
    return file;
  }
  UploadFile() = default;
  UploadFile(UploadFile&& other) noexcept : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}
  UploadFile& operator=(UploadFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UploadFile() {
    if (!path_.empty()) unlink(path_.c_str());
  }

  bool made() const { return !path_.empty(); }
  Result<void> write(std::string_view data) { return write_all(fd_, data); }
  std::string keep() { return std::exchange(path_, {}); }

 private:
  std::string path_;
  Fd fd_;
};

Result<void> receive_raw(BodyReader& body, UploadFile& file) {
  std::vector<char> piece(kPieceBytes);
  for (;;) {
    const std::size_t count = TRY(body.read(piece.data(), piece.size()));
    if (count == 0) return kOk;
    TRY(file.write({piece.data(), count}));
  }
}

struct Parts {
  UploadFile metadata;
  UploadFile rootfs;
};

Result<void> receive_parts(std::string boundary, BodyReader& body, const std::string& directory, Parts& parts) {
  UploadFile* current = nullptr;
  MultipartParser parser(std::move(boundary),
                         {.begin = [&](const PartHead& head) -> Result<void> {
                            if (head.name == "rootfs.img") {
                              return Error(ErrorKind::kUnsupported,
                                           "part \"rootfs.img\": images of virtual machines are not served");
                            }
                            if (head.name != "metadata" && head.name != "rootfs") {
                              return invalid_value("part", head.name, "expected \"metadata\" and \"rootfs\"");
                            }
                            current = head.name == "metadata" ? &parts.metadata : &parts.rootfs;
                            if (current->made()) return invalid_value("part", head.name, "comes twice");
                            *current = TRY(UploadFile::create(directory));
                            return kOk;
                          },
                          .data = [&](std::string_view data) { return current->write(data); },
                          .end = []() -> Result<void> { return kOk; }});
  std::vector<char> piece(kPieceBytes);
  for (;;) {
    const std::size_t count = TRY(body.read(piece.data(), piece.size()));
    if (count == 0) break;
    TRY(parser.feed({piece.data(), count}));
  }
  TRY(parser.finish());
  if (!parts.metadata.made()) return Error(ErrorKind::kInvalid, "multipart body: the part \"metadata\" is missing");
  if (!parts.rootfs.made()) return Error(ErrorKind::kInvalid, "multipart body: the part \"rootfs\" is missing");
  return kOk;
}

Result<bool> bool_header(const Request& request, std::string_view name) {
  const std::string_view value = request.header(name);
  return value.empty() ? Result<bool>(false) : parse_bool(name, value);
}

}  // namespace

Result<manager::ImageUpload> read_image_headers(const Request& request) {
  manager::ImageUpload upload;
  upload.filename = request.header("X-LXD-filename");
  upload.fingerprint = request.header("X-LXD-fingerprint");
  upload.is_public = TRY(bool_header(request, "X-LXD-public"));
  for (auto& [key, value] : TRY_CONTEXT("X-LXD-properties", api::parse_query(request.header("X-LXD-properties")))) {
    upload.properties[key] = value;
  }
  for (auto& [key, value] : TRY_CONTEXT("X-LXD-aliases", api::parse_query(request.header("X-LXD-aliases")))) {
    if (key == "alias" || key == "name") upload.aliases.push_back({value, ""});
  }
  for (auto& [key, value] : TRY_CONTEXT("X-LXD-profiles", api::parse_query(request.header("X-LXD-profiles")))) {
    if (key == "profile") upload.profiles.push_back(value);
  }
  return upload;
}

Result<void> receive_image(const Request& request, BodyReader& body, const std::string& directory,
                           manager::ImageUpload& upload) {
  Parts parts;
  const std::string_view type = request.header("Content-Type");
  if (type.starts_with("multipart/")) {
    TRY(receive_parts(TRY(multipart_boundary(type)), body, directory, parts));
  } else {
    parts.metadata = TRY(UploadFile::create(directory));
    TRY(receive_raw(body, parts.metadata));
  }
  upload.metadata_path = parts.metadata.keep();
  if (parts.rootfs.made()) upload.rootfs_path = parts.rootfs.keep();
  return kOk;
}

}  // namespace cella::daemon
