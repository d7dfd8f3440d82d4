// Files as request bodies.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "api/client.h"

namespace cella::api {
namespace {

struct OpenFile {
  Fd fd;
  std::string path;
  std::optional<std::uint64_t> size;  // regular files only
};

Result<OpenFile> open_file(const std::string& path) {
  OpenFile file{TRY(open_path(path, O_RDONLY)), path, std::nullopt};
  struct stat status;
  if (fstat(file.fd.get(), &status) != 0) return errno_error(errno, "fstat " + path);
  if (S_ISDIR(status.st_mode)) return invalid_value("file", path, "is a directory");
  if (S_ISREG(status.st_mode)) file.size = static_cast<std::uint64_t>(status.st_size);
  return file;
}

Result<std::size_t> read_piece(const OpenFile& file, char* buffer, std::size_t capacity) {
  for (;;) {
    const ssize_t count = read(file.fd.get(), buffer, capacity);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return errno_error(errno, "read " + file.path);
  }
}

// One stretch of a multipart body: fixed text, or a file.
struct Stretch {
  std::string text;
  std::optional<OpenFile> file;
};

struct Multipart {
  std::vector<Stretch> stretches;
  std::size_t current = 0;
  std::size_t offset = 0;  // within the text of the current stretch

  Result<std::size_t> next(char* buffer, std::size_t capacity) {
    while (current < stretches.size()) {
      Stretch& stretch = stretches[current];
      std::size_t count = 0;
      if (stretch.file) {
        count = TRY(read_piece(*stretch.file, buffer, capacity));
      } else {
        count = std::min(capacity, stretch.text.size() - offset);
        std::memcpy(buffer, stretch.text.data() + offset, count);
        offset += count;
      }
      if (count > 0) return count;
      ++current;
      offset = 0;
    }
    return std::size_t{0};
  }
};

std::string escaped_filename(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    if (c != '\r' && c != '\n') out += c;
  }
  return out;
}

}  // namespace

Result<Upload> file_upload(const std::string& path, TransferProgress progress) {
  auto file = std::make_shared<OpenFile>(TRY(open_file(path)));
  Upload upload;
  upload.size = file->size;
  upload.progress = std::move(progress);
  upload.source = [file](char* buffer, std::size_t capacity) { return read_piece(*file, buffer, capacity); };
  return upload;
}

Result<Upload> multipart_upload(const std::vector<FilePart>& parts, TransferProgress progress) {
  // Long enough that no file holds it by accident; a file made to hold it could only break its own upload.
  static constexpr std::string_view kBoundary = "cella-c5f1f3a0e8b24d3c9a6e7d21b4f0968a";
  auto multipart = std::make_shared<Multipart>();
  std::optional<std::uint64_t> size = 0;
  const auto add_text = [&](std::string text) {
    if (size) *size += text.size();
    multipart->stretches.push_back({std::move(text), std::nullopt});
  };
  for (const FilePart& part : parts) {
    add_text("--" + std::string(kBoundary) + "\r\nContent-Disposition: form-data; name=\"" + part.name +
             "\"; filename=\"" + escaped_filename(part.filename) +
             "\"\r\nContent-Type: application/octet-stream\r\n\r\n");
    OpenFile file = TRY(open_file(part.path));
    if (file.size && size) {
      *size += *file.size;
    } else {
      size.reset();
    }
    multipart->stretches.push_back({{}, std::move(file)});
    add_text("\r\n");
  }
  add_text("--" + std::string(kBoundary) + "--\r\n");
  Upload upload;
  upload.size = size;
  upload.content_type = "multipart/form-data; boundary=" + std::string(kBoundary);
  upload.progress = std::move(progress);
  upload.source = [multipart](char* buffer, std::size_t capacity) { return multipart->next(buffer, capacity); };
  return upload;
}

}  // namespace cella::api
