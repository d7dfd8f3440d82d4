#include "cli/file_target.h"

#include <cstdio>
#include <vector>

#include "cli/words.h"

namespace cella::cli {

Result<FileTarget> file_target(std::string_view word) {
  const std::string name = TRY(local_name(word));
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos || slash == 0) return invalid_value("path", word, "expected INSTANCE/PATH");
  return FileTarget{name.substr(0, slash), name.substr(slash)};
}

std::string files_url(const FileTarget& target) {
  return url({"instances", target.instance, "files"}) + "?path=" + api::percent_encode(target.path);
}

std::string base_name(std::string path) {
  while (!path.empty() && path.back() == '/') path.pop_back();
  return path.substr(path.rfind('/') + 1);
}

std::string join_path(const std::string& directory, const std::string& name) {
  return directory.ends_with('/') ? directory + name : directory + "/" + name;
}

api::Headers headers_of(const FileHeaders& headers) {
  api::Headers out{{"X-LXD-type", headers.type}, {"Content-Type", "application/octet-stream"}};
  if (headers.user) out.emplace_back("X-LXD-uid", std::to_string(*headers.user));
  if (headers.group) out.emplace_back("X-LXD-gid", std::to_string(*headers.group));
  char mode[16];
  std::snprintf(mode, sizeof mode, "%04o", headers.mode.value_or(0));
  if (headers.mode) out.emplace_back("X-LXD-mode", mode);
  return out;
}

RemoteFile remote_file(const api::HttpAnswer& answer) {
  RemoteFile file;
  file.type = answer.header("X-LXD-type");
  unsigned mode = 0;
  if (std::sscanf(answer.header("X-LXD-mode").c_str(), "%o", &mode) == 1) file.mode = mode & 07777;
  const auto target = api::percent_decode(answer.header("X-Cella-target"));
  if (target.ok()) file.target = *target;
  return file;
}

Result<void> post_file(Server& server, const FileTarget& target, const FileHeaders& headers, std::string content) {
  api::Client* const client = TRY(server.client());
  TRY(client->call(
      {.method = "POST", .target = files_url(target), .body = std::move(content), .headers = headers_of(headers)}));
  return kOk;
}

Result<void> make_remote_parents(Server& server, const FileTarget& target, const FileHeaders& headers) {
  FileHeaders directory = headers;
  directory.type = "directory";
  directory.mode.reset();
  // From the deepest one that exists downwards, so that a readable path costs one look.
  std::vector<std::string> missing;
  std::string parent = target.path;
  api::Client* const client = TRY(server.client());
  for (;;) {
    while (parent.size() > 1 && parent.back() == '/') parent.pop_back();
    parent.resize(parent.rfind('/') + 1);
    if (parent == "/") break;
    const auto answer =
        TRY(client->raw({.method = "HEAD", .target = files_url({target.instance, parent}), .body = {}, .headers = {}}));
    if (answer.status == 200) break;
    missing.push_back(parent);
  }
  for (auto path = missing.rbegin(); path != missing.rend(); ++path)
    TRY(post_file(server, {target.instance, *path}, directory, {}));
  return kOk;
}

}  // namespace cella::cli
