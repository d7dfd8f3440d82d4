#include "storage/acl_attribute.h"

#include <algorithm>
#include <tuple>

namespace cella::storage {
namespace {

void append_little_endian(std::string& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

std::uint32_t read_little_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
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

std::vector<AclEntry> decode_acl(std::string_view value) {
  std::vector<AclEntry> entries;
  if (value.size() % 8 != 4 || read_little_endian(value.substr(0, 4)) != 2) return entries;
  for (std::size_t at = 4; at < value.size(); at += 8) {
    entries.push_back({static_cast<std::uint16_t>(read_little_endian(value.substr(at, 2))),
                       static_cast<std::uint16_t>(read_little_endian(value.substr(at + 2, 2))),
                       read_little_endian(value.substr(at + 4, 4))});
  }
  return entries;
}

}  // namespace cella::storage
