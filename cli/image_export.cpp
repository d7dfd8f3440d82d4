#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <optional>

#include "base/fd.h"
#include "base/files.h"
#include "cli/image_name.h"
#include "cli/image_parts.h"
#include "cli/image_verbs.h"
#include "cli/object.h"
#include "cli/progress.h"

namespace cella::cli {
namespace {

bool is_directory(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// The image goes to files named as the server names them: in the target when that is a directory, else with the
// target's own name and the server's extension.
class PartFiles {
 public:
  PartFiles(std::string target, std::string fingerprint)
      : target_(std::move(target)), fingerprint_(std::move(fingerprint)) {}
  // Removes what was begun unless keep() was called.
  ~PartFiles() {
    for (const std::string& path : begun_) unlink(path.c_str());
  }
  PartFiles(const PartFiles&) = delete;
  PartFiles& operator=(const PartFiles&) = delete;

  // part: which of a split image's parts, empty for a unified one.
  Result<void> begin(const std::string& filename, const std::string& part) {
    const std::string path = path_for(filename, part);
    file_ = TRY(open_path(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    begun_.push_back(path);
    return kOk;
  }
  Result<void> write(std::string_view piece) { return write_all(file_, piece); }
  void keep() { begun_.clear(); }

 private:
  std::string path_for(const std::string& filename, const std::string& part) const {
    if (target_.empty() || is_directory(target_)) {
      const std::string name = filename.empty() ? fingerprint_ : filename;
      return target_.empty() ? name : target_ + "/" + name;
    }
    return target_ + (part == "rootfs" ? ".root" : "") + extension_of(filename);
  }

  std::string target_;
  std::string fingerprint_;
  std::vector<std::string> begun_;
  Fd file_;
};

Result<int> run(Server& server, const Arguments& arguments) {
  const api::Image image = TRY(image_named(server, arguments.word(0)));
  PartFiles files(arguments.word(1), image.fingerprint);
  Progress progress("Exporting the image", server.progress());
  std::optional<PartReader> parts;
  const auto begin = [&](const PartHeader& part) {
    // A name with a path in it could leave the target: only its last part counts.
    return files.begin(part.filename.substr(part.filename.rfind('/') + 1), part.name);
  };
  const auto write = [&](std::string_view piece) { return files.write(piece); };
  api::Client* client = TRY(server.client());
  TRY(client->download(
      {.method = "GET", .target = url({"images", image.fingerprint, "export"}), .body = {}, .headers = {}},
      [&](std::string_view piece) { return parts ? parts->take(piece) : files.write(piece); },
      [&](std::uint64_t done, std::uint64_t total) {
        progress.transferred(done, total);
        return true;
      },
      [&](const api::HttpAnswer& answer) -> Result<void> {
        const std::string boundary = multipart_boundary(answer.header("Content-Type"));
        if (boundary.empty()) return begin({.name = {}, .filename = filename_of(answer.header("Content-Disposition"))});
        parts.emplace(boundary, begin, write);
        return kOk;
      }));
  if (parts) TRY(parts->finish());
  files.keep();
  say(server, "Image exported successfully!");
  return 0;
}

}  // namespace

Command image_export_command() {
  return {.name = "export",
          .usage = "<image> [<target>]",
          .summary = "Write an image to files",
          .details =
              "The target is a directory, or a name to which the server's extension is added. A split image\n"
              "becomes two files.",
          .min_words = 1,
          .max_words = 2,
          .completes = {Names::kImage, Names::kFile},
          .run = run};
}

}  // namespace cella::cli
