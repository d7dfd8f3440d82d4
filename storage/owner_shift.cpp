#include "storage/owner_shift.h"

#include "storage/acl_attribute.h"

namespace cella::storage {
namespace {

std::int64_t inside(const std::vector<IdRange>& ranges, std::int64_t id) {
  for (const IdRange& range : ranges) {
    const std::int64_t offset = id - range.outside;
    if (offset >= 0 && offset < range.count) return range.inside + offset;
  }
  return id;
}

}  // namespace

void OwnerShift::apply(ArchiveMember& member) const {
  member.uid = inside(map_.users(), member.uid);
  member.gid = inside(map_.groups(), member.gid);
  for (auto& [name, value] : member.attributes) {
    if (!name.starts_with("system.posix_acl_")) continue;
    auto entries = decode_acl(value);
    for (AclEntry& entry : entries) {
      if (entry.tag == kAclUser) entry.id = static_cast<std::uint32_t>(inside(map_.users(), entry.id));
      if (entry.tag == kAclGroup) entry.id = static_cast<std::uint32_t>(inside(map_.groups(), entry.id));
    }
    if (!entries.empty()) value = encode_acl(std::move(entries));
  }
}

}  // namespace cella::storage
