#include "daemon/file_headers.h"

#include <charconv>
#include <cstdio>
#include <ctime>
#include <vector>

#include "base/units.h"

namespace cella::daemon {
namespace {

using manager::FileKind;

constexpr std::uint64_t kMaxId = 0xfffffffeu;

// Absent and negative mean "not given", as LXD's -1 does.
Result<std::optional<std::uint32_t>> id_of(const Request& request, std::string_view header) {
  const std::string_view text = request.header(header);
  if (text.empty() || text == "-1") return std::optional<std::uint32_t>();
  const std::uint64_t value = TRY(parse_unsigned(header, text));
  if (value > kMaxId) return invalid_value(header, text, "is no user or group id");
  return std::optional(static_cast<std::uint32_t>(value));
}

Result<std::optional<std::uint32_t>> mode_of(const Request& request) {
  const std::string_view text = request.header("X-LXD-mode");
  if (text.empty()) return std::optional<std::uint32_t>();
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  if (error != std::errc() || end != text.data() + text.size() || value > 07777)
    return invalid_value("X-LXD-mode", text, "is no octal file mode");
  return std::optional(value);
}

std::string mode_text(std::uint32_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", mode);
  return text;
}

std::string time_text(manager::Timestamp time, const char* format) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  char text[64];
  if (::gmtime_r(&seconds, &parts) == nullptr) return "";
  const std::size_t length = std::strftime(text, sizeof text, format, &parts);
  return std::string(text, length);
}

std::string kind_text(FileKind kind) {
  switch (kind) {
    case FileKind::kDirectory:
      return "directory";
    case FileKind::kSymlink:
      return "symlink";
    case FileKind::kFile:
    case FileKind::kOther:
      break;
  }
  return "file";
}

}  // namespace

Result<FileUpload> parse_file_headers(const Request& request) {
  FileUpload upload;
  upload.ownership.user = TRY(id_of(request, "X-LXD-uid"));
  upload.ownership.group = TRY(id_of(request, "X-LXD-gid"));
  upload.ownership.mode = TRY(mode_of(request));
  const std::string_view type = request.header("X-LXD-type");
  if (type == "directory") {
    upload.kind = FileKind::kDirectory;
  } else if (type == "symlink") {
    upload.kind = FileKind::kSymlink;
  } else if (!type.empty() && type != "file") {
    return invalid_value("X-LXD-type", type, "expected file, directory or symlink");
  }
  const std::string_view write = request.header("X-LXD-write");
  if (write == "append") {
    upload.write = manager::FileWrite::kAppend;
  } else if (!write.empty() && write != "overwrite") {
    return invalid_value("X-LXD-write", write, "expected overwrite or append");
  }
  return upload;
}

Headers file_headers(const manager::FileFacts& facts) {
  Headers headers{{"X-LXD-uid", std::to_string(facts.user)},
                  {"X-LXD-gid", std::to_string(facts.group)},
                  {"X-LXD-mode", mode_text(facts.mode)},
                  {"X-LXD-modified", time_text(facts.modified, "%Y-%m-%d %H:%M:%S +0000 UTC")},
                  {"X-LXD-type", kind_text(facts.kind)}};
  if (facts.kind != FileKind::kDirectory)
    headers.emplace_back("Last-Modified", time_text(facts.modified, "%a, %d %b %Y %H:%M:%S GMT"));
  return headers;
}

std::string absolute_target(const std::string& link, const std::string& target) {
  if (target.starts_with('/')) return target;
  const std::string whole = link.substr(0, link.rfind('/') + 1) + target;
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < whole.size();) {
    const std::size_t end = std::min(whole.find('/', begin), whole.size());
    const std::string part = whole.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string clean;
  for (const std::string& part : parts) clean += "/" + part;
  return clean.empty() ? "/" : clean;
}

}  // namespace cella::daemon
