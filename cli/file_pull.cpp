// file pull: files and trees of an instance to local ones.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "api/codec.h"
#include "base/files.h"
#include "cli/file_target.h"
#include "cli/file_verbs.h"

namespace cella::cli {
namespace {

bool is_directory(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
}

enum class Depth { kFile, kTree };

// Receives one GET: a file's bytes go straight to where they belong.
class Download {
 public:
  Download(Server& server, const FileTarget& from, std::string to) : server_(server), from_(from), to_(std::move(to)) {}

  Result<RemoteFile> run() {
    api::Client* const client = TRY(server_.client());
    Progress progress("Pulling " + from_.path + " from " + from_.instance, server_.progress());
    TRY(client->download(
        {.method = "GET", .target = files_url(from_), .body = {}, .headers = {}},
        [&](std::string_view piece) { return take(piece); },
        [&](std::uint64_t done, std::uint64_t total) {
          progress.transferred(done, total);
          return true;
        },
        [&](const api::HttpAnswer& answer) -> Result<void> {
          remote_ = remote_file(answer);
          return remote_.type == "file" ? open_output() : Result<void>(kOk);
        }));
    if (remote_.type == "file" && !output_) TRY(open_output());
    return remote_;
  }
  const std::string& text() const { return text_; }

 private:
  Result<void> open_output() {
    if (to_ == "-") {
      output_ = Fd(::dup(STDOUT_FILENO));
      return kOk;
    }
    output_ = TRY(open_path(to_, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    if (::fchmod(output_.get(), remote_.mode) != 0) return errno_error(errno, "change mode of " + to_);
    return kOk;
  }
  Result<void> take(std::string_view piece) {
    if (remote_.type == "file") return write_all(output_, piece);
    text_ += piece;
    return kOk;
  }

  Server& server_;
  const FileTarget& from_;
  std::string to_;
  RemoteFile remote_;
  Fd output_;
  std::string text_;
};

Result<void> make_link(const std::string& target, const std::string& path) {
  if (::symlink(target.c_str(), path.c_str()) != 0) return errno_error(errno, "make link " + path);
  return kOk;
}

Result<void> pull(Server& server, const FileTarget& from, const std::string& to, Depth depth) {
  Download download(server, from, to);
  const RemoteFile remote = TRY(download.run());
  if (remote.type == "file") return kOk;
  if (remote.type == "symlink") return make_link(remote.target.empty() ? download.text() : remote.target, to);
  if (depth == Depth::kFile) return Error(ErrorKind::kInvalid, "Can't pull a directory without --recursive");
  if (::mkdir(to.c_str(), 0700) != 0 && errno != EEXIST) return errno_error(errno, "make directory " + to);
  const std::string names = api::member_text(download.text(), "metadata");
  for (const std::string& name : TRY(api::decode_strings(names.empty() ? "[]" : names))) {
    // What the instance calls its files is not to lead out of the target.
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
      return invalid_value("name", name, "is no file name");
    TRY(pull(server, {from.instance, join_path(from.path, name)}, join_path(to, name), depth));
  }
  if (::chmod(to.c_str(), remote.mode) != 0) return errno_error(errno, "change mode of " + to);
  return kOk;
}

Result<int> run(Server& server, const Arguments& arguments) {
  const std::string target = arguments.words.back();
  const std::size_t count = arguments.words.size() - 1;
  const Depth depth = arguments.on("recursive") ? Depth::kTree : Depth::kFile;
  if (arguments.on("create-dirs") && target != "-") {
    const bool whole = target.ends_with('/') || depth == Depth::kTree || count > 1;
    const std::string parent = whole ? target : target.substr(0, target.rfind('/') + 1);
    if (!parent.empty()) TRY(make_dirs(parent, 0755));
  }
  const bool into = target != "-" && (target.ends_with('/') || is_directory(target));
  if (count > 1 && !into)
    return Error(ErrorKind::kInvalid, "More than one file to download, but target is not a directory");
  for (std::size_t i = 0; i < count; ++i) {
    const FileTarget from = TRY(file_target(arguments.words[i]));
    const std::string name = base_name(from.path);
    TRY(pull(server, from, into && !name.empty() ? join_path(target, name) : target, depth));
  }
  return 0;
}

}  // namespace

Command file_pull_command() {
  return {.name = "pull",
          .usage = "<instance>/<path>... <target path>",
          .summary = "Copy files out of an instance",
          .details = "The target is a file or a directory; \"-\" is standard output.",
          .examples = "cella file pull c1/etc/hosts .\ncella file pull -r c1/var/log logs",
          .flags = {{.letter = 'p', .name = "create-dirs", .help = "Create missing directories"},
                    {.letter = 'r', .name = "recursive", .help = "Copy whole trees"}},
          .min_words = 2,
          .max_words = kAnyNumber,
          .completes = {Names::kFile},
          .run = run};
}

}  // namespace cella::cli
