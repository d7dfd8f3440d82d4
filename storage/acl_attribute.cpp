#include "storage/acl_attribute.h"

#include <algorithm>
#include <tuple>

namespace cella::storage {
namespace {

void append_little_endian(std::string& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

}  // namespace

std::string encode_acl(std::vector<AclEntry> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const AclEntry& a, const AclEntry& b) { return std::tie(a.tag, a.id) < std::tie(b.tag, b.id); });
  std::string value;
  append_little_endian(value, 2, 4);
  for (const AclEntry& entry : entries) {
    append_little_endian(value, entry.tag, 2);
    append_little_endian(value, entry.permission, 2);
    append_little_endian(value, entry.id, 4);
  }
  return value;
}

}  // namespace cella::storage
