// file push: local files and trees into an instance.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <vector>

#include "base/files.h"
#include "base/units.h"
#include "cli/file_target.h"
#include "cli/file_verbs.h"

namespace cella::cli {
namespace {

struct Ownership {
  std::optional<std::uint32_t> user;
  std::optional<std::uint32_t> group;
  std::optional<std::uint32_t> mode;
};

FileHeaders headers_from(const struct stat& facts, const Ownership& wanted, std::string type) {
  FileHeaders headers;
  headers.type = std::move(type);
  headers.user = wanted.user.value_or(facts.st_uid);
  headers.group = wanted.group.value_or(facts.st_gid);
  headers.mode = wanted.mode.value_or(facts.st_mode & 07777);
  return headers;
}

Result<struct stat> local_facts(const std::string& path, int flags) {
  struct stat facts {};
  if (::fstatat(AT_FDCWD, path.c_str(), &facts, flags) != 0) return errno_error(errno, "stat " + path);
  return facts;
}

Result<void> push_file(Server& server, const std::string& source, const FileTarget& target,
                       const FileHeaders& headers) {
  Progress progress("Pushing " + source + " to " + target.path, server.progress());
  const auto upload = TRY(api::file_upload(source, [&](std::uint64_t done, std::uint64_t total) {
    progress.transferred(done, total);
    return true;
  }));
  api::Client* const client = TRY(server.client());
  TRY(client->upload({.method = "POST", .target = files_url(target), .body = {}, .headers = headers_of(headers)},
                     upload));
  return kOk;
}

Result<void> push_input(Server& server, const FileTarget& target, const Ownership& wanted) {
  FileHeaders headers;
  headers.user = wanted.user.value_or(0);
  headers.group = wanted.group.value_or(0);
  headers.mode = wanted.mode.value_or(0644);
  api::Upload upload;
  upload.source = [](char* buffer, std::size_t capacity) -> Result<std::size_t> {
    for (;;) {
      const ssize_t count = ::read(STDIN_FILENO, buffer, capacity);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno_error(errno, "read standard input");
      return static_cast<std::size_t>(count);
    }
  };
  api::Client* const client = TRY(server.client());
  TRY(client->upload({.method = "POST", .target = files_url(target), .body = {}, .headers = headers_of(headers)},
                     upload));
  return kOk;
}

Result<std::string> link_target(const std::string& path) {
  std::string target(PATH_MAX, '\0');
  const ssize_t count = ::readlink(path.c_str(), target.data(), target.size());
  if (count < 0) return errno_error(errno, "read link " + path);
  target.resize(static_cast<std::size_t>(count));
  return target;
}

Result<void> push_tree(Server& server, const std::string& source, const FileTarget& target) {
  const struct stat facts = TRY(local_facts(source, AT_SYMLINK_NOFOLLOW));
  if (S_ISLNK(facts.st_mode))
    return post_file(server, target, headers_from(facts, {}, "symlink"), TRY(link_target(source)));
  if (S_ISREG(facts.st_mode)) return push_file(server, source, target, headers_from(facts, {}, "file"));
  if (!S_ISDIR(facts.st_mode)) return Error(ErrorKind::kInvalid, source + ": not a file, directory or symbolic link");
  TRY(post_file(server, target, headers_from(facts, {}, "directory"), {}));
  std::vector<std::string> names = TRY(list_names(TRY(open_dir(source))));
  std::sort(names.begin(), names.end());
  for (const std::string& name : names)
    TRY(push_tree(server, join_path(source, name), {target.instance, join_path(target.path, name)}));
  return kOk;
}

Result<std::optional<std::uint32_t>> number_flag(const Arguments& arguments, const char* flag, int base) {
  if (!arguments.has(flag)) return std::optional<std::uint32_t>();
  const std::string text = arguments.text(flag);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || value > (base == 8 ? 07777u : 0xfffffffeu))
    return invalid_value(flag, text, base == 8 ? "is no octal file mode" : "is no number");
  return std::optional(value);
}

Result<Ownership> ownership_of(const Arguments& arguments) {
  Ownership wanted;
  wanted.user = TRY(number_flag(arguments, "uid", 10));
  wanted.group = TRY(number_flag(arguments, "gid", 10));
  wanted.mode = TRY(number_flag(arguments, "mode", 8));
  if (arguments.on("recursive") && (wanted.user || wanted.group || wanted.mode))
    return Error(ErrorKind::kInvalid, "Can't supply uid/gid/mode in recursive mode");
  return wanted;
}

Result<void> push_one(Server& server, const std::string& source, FileTarget target, const Arguments& arguments,
                      const Ownership& wanted) {
  const bool into = target.path.ends_with('/');
  FileHeaders parents;
  parents.user = wanted.user.value_or(0);
  parents.group = wanted.group.value_or(0);
  if (arguments.on("recursive")) {
    if (arguments.on("create-dirs"))
      TRY(make_remote_parents(server, {target.instance, join_path(target.path, "x")}, parents));
    const std::string whole = source == "." || source.ends_with("/.") ? "" : base_name(source);
    return push_tree(server, source, {target.instance, join_path(target.path, whole)});
  }
  if (into && source == "-") return Error(ErrorKind::kInvalid, "standard input needs the name of a file to go to");
  if (into) target.path += base_name(source);
  if (source != "-" && S_ISDIR(TRY(local_facts(source, 0)).st_mode))
    return Error(ErrorKind::kInvalid, source + " is a directory: push it with --recursive");
  if (arguments.on("create-dirs")) TRY(make_remote_parents(server, target, parents));
  if (source == "-") return push_input(server, target, wanted);
  return push_file(server, source, target, headers_from(TRY(local_facts(source, 0)), wanted, "file"));
}

Result<int> run(Server& server, const Arguments& arguments) {
  const Ownership wanted = TRY(ownership_of(arguments));
  const FileTarget target = TRY(file_target(arguments.words.back()));
  const std::vector<std::string> sources(arguments.words.begin(), arguments.words.end() - 1);
  if (sources.size() > 1 && !target.path.ends_with('/') && !arguments.on("recursive"))
    return Error(ErrorKind::kInvalid, "Missing target directory");
  for (const std::string& source : sources) TRY(push_one(server, source, target, arguments, wanted));
  return 0;
}

}  // namespace

Command file_push_command() {
  return {.name = "push",
          .usage = "<source path>... <instance>/<path>",
          .summary = "Copy files into an instance",
          .details =
              "A target that ends with a slash is a directory. The source \"-\" is standard input.\n"
              "Owner and mode are those of the source unless given.",
          .examples = "cella file push /etc/hosts c1/etc/hosts\ncella file push -r site c1/var/www/",
          .flags = {{.letter = 'p', .name = "create-dirs", .help = "Create missing directories"},
                    {.letter = 'r', .name = "recursive", .help = "Copy whole trees"},
                    {.name = "uid", .value = "UID", .help = "Owner of the file inside"},
                    {.name = "gid", .value = "GID", .help = "Group of the file inside"},
                    {.name = "mode", .value = "MODE", .help = "Permissions of the file, in octal"}},
          .min_words = 2,
          .max_words = kAnyNumber,
          .completes = {Names::kFile},
          .run = run};
}

}  // namespace cella::cli
