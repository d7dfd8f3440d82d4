// POSIX ACLs in the form of their extended attribute.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cella::storage {

inline constexpr std::uint16_t kAclUser = 2;
inline constexpr std::uint16_t kAclGroup = 8;

struct AclEntry {
  std::uint16_t tag;         // ACL_USER_OBJ 1, ACL_USER 2, ACL_GROUP_OBJ 4, ACL_GROUP 8, ACL_MASK 16, ACL_OTHER 32
  std::uint16_t permission;  // bits 4 read, 2 write, 1 execute
  std::uint32_t id;          // of ACL_USER and ACL_GROUP; else 0xffffffff
};

// The value of system.posix_acl_access or _default: version 2, entries sorted as the kernel wants them.
// Source: include/uapi/linux/posix_acl_xattr.h.
std::string encode_acl(std::vector<AclEntry> entries);
// The entries of such a value; none when it is of another version or cut short.
std::vector<AclEntry> decode_acl(std::string_view value);

}  // namespace cella::storage
