// What the file commands share: INSTANCE/PATH words, and requests to …/files.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cli/server.h"

namespace cella::cli {

struct FileTarget {
  std::string instance;
  std::string path;  // absolute, as given otherwise ("/etc/", "/a b")
};
// "c1/etc/hosts", "local:c1/etc/hosts". Errors: kInvalid without an instance or a path.
Result<FileTarget> file_target(std::string_view word);

std::string files_url(const FileTarget& target);
// The last name of a path, trailing slashes aside; "" for "/".
std::string base_name(std::string path);
// directory + "/" + name with one slash between.
std::string join_path(const std::string& directory, const std::string& name);

// Absent ones are not sent.
struct FileHeaders {
  std::string type = "file";
  std::optional<std::uint32_t> user;
  std::optional<std::uint32_t> group;
  std::optional<std::uint32_t> mode;
};
api::Headers headers_of(const FileHeaders& headers);

// What a GET of a file tells before its content.
struct RemoteFile {
  std::string type;  // "file", "directory", "symlink"
  std::uint32_t mode = 0644;
  std::string target;  // of a link, as it was made
};
RemoteFile remote_file(const api::HttpAnswer& answer);

// Creates a directory, or a symbolic link with `content` as target.
Result<void> post_file(Server& server, const FileTarget& target, const FileHeaders& headers, std::string content);
// Makes all missing directories above target.path.
Result<void> make_remote_parents(Server& server, const FileTarget& target, const FileHeaders& headers);

}  // namespace cella::cli
