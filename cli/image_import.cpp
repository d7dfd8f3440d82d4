#include <sys/stat.h>

#include "api/image.h"
#include "base/files.h"
#include "cli/image_verbs.h"
#include "cli/object.h"
#include "cli/progress.h"

namespace cella::cli {
namespace {

struct ImportWords {
  std::string metadata;  // unified tarball, or the metadata of a split image, or a directory
  std::string rootfs;    // empty for a unified tarball
  std::vector<KeyValue> properties;
};

bool is_directory(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Files first, then at most one remote, then key=value.
Result<ImportWords> sort_words(const std::vector<std::string>& words) {
  ImportWords sorted;
  for (const std::string& word : words) {
    if (is_remote(word)) {
      TRY(local_name(word));
    } else if (word.find('=') != std::string::npos && !path_exists(word)) {
      for (auto& pair : TRY(key_values(std::span(&word, 1)))) sorted.properties.push_back(std::move(pair));
    } else if (sorted.metadata.empty()) {
      sorted.metadata = word;
    } else if (sorted.rootfs.empty()) {
      sorted.rootfs = word;
    } else {
      return invalid_value("word", word, "an image is one file or two");
    }
  }
  if (sorted.metadata.empty()) return Error(ErrorKind::kInvalid, "Name the image's file");
  return sorted;
}

Result<void> check_files(const ImportWords& words) {
  if (words.metadata.starts_with("https://") || words.metadata.starts_with("http://")) {
    return Error(ErrorKind::kUnsupported, "\"" + words.metadata +
                                              "\": images from a URL are not served yet; download "
                                              "the file and import it");
  }
  for (const std::string* path : {&words.metadata, &words.rootfs}) {
    if (path->empty()) continue;
    if (!path_exists(*path)) return Error(ErrorKind::kNotFound, "No such file: " + *path);
    if (is_directory(*path)) {
      return Error(ErrorKind::kInvalid, *path + " is a directory: pack it first (tar -C " + *path +
                                            " -czf image.tar.gz metadata.yaml rootfs)");
    }
  }
  return kOk;
}

std::string encoded_properties(const std::vector<KeyValue>& properties) {
  std::string out;
  for (const auto& [key, value] : properties) {
    out.append(out.empty() ? "" : "&").append(api::percent_encode(key)).append("=").append(api::percent_encode(value));
  }
  return out;
}

Result<api::Answer> send(Server& server, const ImportWords& words, bool make_public, Progress& progress) {
  const api::TransferProgress show = [&](std::uint64_t done, std::uint64_t total) {
    progress.transferred(done, total);
    return true;
  };
  api::Request request{.method = "POST", .target = "/1.0/images", .body = {}, .headers = {}};
  request.headers.emplace_back("X-LXD-public", make_public ? "true" : "false");
  request.headers.emplace_back("X-LXD-filename", base_name(words.rootfs.empty() ? words.metadata : words.rootfs));
  if (!words.properties.empty()) {
    request.headers.emplace_back("X-LXD-properties", encoded_properties(words.properties));
  }
  api::Upload upload = words.rootfs.empty()
                           ? TRY(api::file_upload(words.metadata, show))
                           : TRY(api::multipart_upload(
                                 {{.name = "metadata", .filename = base_name(words.metadata), .path = words.metadata},
                                  {.name = "rootfs", .filename = base_name(words.rootfs), .path = words.rootfs}},
                                 show));
  api::Client* client = TRY(server.client());
  return client->upload(request, upload);
}

Result<void> add_alias(Server& server, const std::string& alias, const std::string& fingerprint) {
  const api::AliasCreate create{.description = {}, .target = fingerprint, .name = alias, .type = {}};
  TRY_CONTEXT("The image is imported, but the alias \"" + alias + "\" was not made",
              server.change("POST", "/1.0/images/aliases", api::encode(create)));
  return kOk;
}

Result<std::string> fingerprint_of(const api::Operation& operation) {
  const std::string quoted = api::member_text(operation.metadata.text, "fingerprint");
  if (quoted.size() < 2) return Error(ErrorKind::kInternal, "import operation without a fingerprint");
  return quoted.substr(1, quoted.size() - 2);
}

Result<int> run(Server& server, const Arguments& arguments) {
  const ImportWords words = TRY(sort_words(arguments.words));
  TRY(check_files(words));
  api::Answer answer;
  {
    Progress progress("Importing " + base_name(words.metadata), server.progress());
    answer = TRY(send(server, words, arguments.on("public"), progress));
  }
  const api::Operation done = TRY(server.wait(answer, "Unpacking"));
  const std::string fingerprint = TRY(fingerprint_of(done));
  for (const std::string& alias : arguments.all("alias")) TRY(add_alias(server, alias, fingerprint));
  say(server, "Image imported with fingerprint: " + fingerprint);
  return 0;
}

}  // namespace

Command image_import_command() {
  return {.name = "import",
          .usage = "<tarball> [<rootfs file>] [key=value...]",
          .summary = "Import an image from files",
          .details =
              "One file holds metadata.yaml and rootfs/; two are the metadata's tarball and a squashfs or tarball\n"
              "of the root file system. key=value sets properties.",
          .examples =
              "cella image import debian.tar.xz --alias debian/12\n"
              "cella image import metadata.tar.xz rootfs.squashfs --alias debian/12",
          .flags = {{.name = "alias", .value = "alias", .help = "Name for the image (repeatable)"},
                    {.name = "public", .help = "Let anyone who reaches the server have it"}},
          .min_words = 1,
          .max_words = kAnyNumber,
          .completes = {Names::kFile},
          .run = run};
}

}  // namespace cella::cli
