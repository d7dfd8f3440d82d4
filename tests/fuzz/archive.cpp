// Archives of images, member by member, without writing anything.
#include <sys/mman.h>

#include "base/files.h"
#include "storage/archive_members.h"
#include "storage/archive_reader.h"
#include "tests/fuzz/target.h"

namespace cella::storage {
namespace {

void check_path(const MemberPath& member) {
  fuzz::require(member.path.empty() || member.path.front() != '/', "a member's path is relative");
  fuzz::require(member.path.find('\0') == std::string::npos, "a member's path has no zero byte");
  fuzz::require(("/" + member.path + "/").find("/../") == std::string::npos, "no member leads upwards");
}

void check_member(const ArchiveMember& member, ArchiveLayout layout, MemberIndex& index) {
  const auto path = plain_member_path(member.name, layout);
  if (!path.ok()) return;
  check_path(*path);
  if (!check_member_type(*path, member.type).ok()) return;
  if (member.type == MemberType::kSymlink && !check_link_text(*path, member.link).ok()) return;
  if (member.type != MemberType::kHardLink) return (void)index.add(*path, member.type);
  const auto target = plain_member_path(member.link, layout);
  if (target.ok()) (void)index.add_hard_link(*path, *target);
}

}  // namespace

FUZZ_TARGET(archive) {
  const Fd file(memfd_create("fuzz", MFD_CLOEXEC));
  if (!write_all(file, text).ok()) return;
  for (const ArchiveLayout layout : {ArchiveLayout::kUnified, ArchiveLayout::kRootfs}) {
    if (lseek(file.get(), 0, SEEK_SET) != 0) return;
    auto reader = ArchiveReader::open(file);
    if (!reader.ok()) return;
    MemberIndex index;
    ArchiveMember member;
    for (int count = 0; count < 1000; ++count) {
      const auto more = reader->next(member);
      if (!more.ok() || !*more) break;
      check_member(member, layout, index);
      DataBlock block;
      for (int blocks = 0; blocks < 16; ++blocks) {
        const auto data = reader->next_block(block);
        if (!data.ok() || !*data) break;
      }
    }
  }
}

}  // namespace cella::storage
