// Names and links of archive members: one per line, "TYPE NAME" or "TYPE NAME -> LINK".
#include <string>

#include "storage/archive_members.h"
#include "tests/fuzz/target.h"

namespace cella::storage {
namespace {

void add_line(std::string_view line, MemberIndex& index) {
  if (line.size() < 2) return;
  const auto type = static_cast<MemberType>((line[0] - '0') & 7);
  if (type > MemberType::kHardLink) return;
  const std::size_t arrow = line.find(" -> ");
  const auto path =
      plain_member_path(line.substr(2, arrow == std::string_view::npos ? arrow : arrow - 2), ArchiveLayout::kUnified);
  if (!path.ok() || !check_member_type(*path, type).ok()) return;
  fuzz::require(("/" + path->path + "/").find("/../") == std::string::npos, "no member leads upwards");
  if (type == MemberType::kHardLink) {
    const auto target =
        plain_member_path(arrow == std::string_view::npos ? "" : line.substr(arrow + 4), ArchiveLayout::kUnified);
    if (target.ok()) (void)index.add_hard_link(*path, *target);
    return;
  }
  if (!index.add(*path, type).ok()) return;
  fuzz::require(type != MemberType::kDirectory || path->path.empty() || index.has_directory(path->path),
                "a directory that was added is one");
}

}  // namespace

FUZZ_TARGET(member_names) {
  MemberIndex index;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    add_line(text.substr(0, end), index);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace cella::storage
