#include <gtest/gtest.h>

#include "storage/acl_attribute.h"
#include "storage/owner_shift.h"

namespace cella::storage {
namespace {

TEST(OwnerShift, TakesHostIdsBackAndLeavesOthers) {
  const OwnerShift shift(*IdMap::isolated(100000));
  ArchiveMember member;
  member.uid = 101000;
  member.gid = 5;
  shift.apply(member);
  EXPECT_EQ(member.uid, 1000);
  EXPECT_EQ(member.gid, 5);
}

TEST(OwnerShift, ReachesIntoAcls) {
  const OwnerShift shift(*IdMap::isolated(100000));
  const auto acl = [](std::uint32_t user, std::uint32_t group) {
    return encode_acl({{1, 7, 0xffffffff},
                       {kAclUser, 6, user},
                       {4, 5, 0xffffffff},
                       {kAclGroup, 4, group},
                       {16, 7, 0xffffffff},
                       {32, 0, 0xffffffff}});
  };
  ArchiveMember member;
  member.attributes = {
      {"system.posix_acl_access", acl(101000, 100007)}, {"user.x", "101000"}, {"system.posix_acl_default", "no ACL"}};
  shift.apply(member);
  EXPECT_EQ(member.attributes[0].second, acl(1000, 7));
  EXPECT_EQ(member.attributes[1].second, "101000");
  EXPECT_EQ(member.attributes[2].second, "no ACL");
}

}  // namespace
}  // namespace cella::storage
