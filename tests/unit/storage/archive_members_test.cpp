#include "storage/archive_members.h"

#include <gtest/gtest.h>

namespace cella::storage {
namespace {

TEST(MemberPath, IsMadePlain) {
  EXPECT_EQ(plain_member_path("./rootfs//etc/./passwd", ArchiveLayout::kUnified)->path, "rootfs/etc/passwd");
  EXPECT_EQ(plain_member_path("rootfs/", ArchiveLayout::kUnified)->path, "rootfs");
  EXPECT_EQ(plain_member_path("./", ArchiveLayout::kUnified)->path, "");
  EXPECT_EQ(plain_member_path("./etc", ArchiveLayout::kRootfs)->path, "rootfs/etc");
  EXPECT_EQ(plain_member_path(".", ArchiveLayout::kRootfs)->path, "rootfs");
  EXPECT_EQ(plain_member_path("rootfs/a..b/..c", ArchiveLayout::kUnified)->path, "rootfs/a..b/..c");
}

TEST(MemberPath, KnowsItsPart) {
  EXPECT_EQ(plain_member_path("./metadata.yaml", ArchiveLayout::kUnified)->part, MemberPart::kMetadata);
  EXPECT_EQ(plain_member_path("templates/a.tpl", ArchiveLayout::kUnified)->part, MemberPart::kTemplate);
  EXPECT_EQ(plain_member_path("rootfs/x", ArchiveLayout::kUnified)->part, MemberPart::kRootfs);
  EXPECT_EQ(plain_member_path("rootfs/x", ArchiveLayout::kMetadata)->part, MemberPart::kIgnored);
  EXPECT_EQ(plain_member_path("rootfsx/x", ArchiveLayout::kUnified)->part, MemberPart::kIgnored);
  EXPECT_EQ(plain_member_path("metadata.yaml", ArchiveLayout::kRootfs)->part, MemberPart::kRootfs);
}

TEST(MemberPath, RefusesWhatLeadsOut) {
  for (const char* name : {"", "/", "/etc/passwd", "..", "../x", "a/../b", "a/..", "./../x", "rootfs/a/../../../x"})
    EXPECT_FALSE(plain_member_path(name, ArchiveLayout::kUnified).ok()) << name;
  EXPECT_FALSE(plain_member_path(std::string(256, 'a'), ArchiveLayout::kUnified).ok());
  std::string deep;
  for (int i = 0; i < 2100; ++i) deep += "a/";
  EXPECT_FALSE(plain_member_path(deep, ArchiveLayout::kUnified).ok());
}

MemberPath in_rootfs(const std::string& name) { return *plain_member_path("rootfs/" + name, ArchiveLayout::kUnified); }

TEST(MemberIndex, DirectoriesMergeAndFilesReplace) {
  MemberIndex index;
  EXPECT_EQ(*index.add(in_rootfs("d"), MemberType::kDirectory), MemberAction::kMake);
  EXPECT_EQ(*index.add(in_rootfs("d"), MemberType::kDirectory), MemberAction::kMerge);
  EXPECT_EQ(*index.add(in_rootfs("d/f"), MemberType::kFile), MemberAction::kMake);
  EXPECT_EQ(*index.add(in_rootfs("d/f"), MemberType::kFile), MemberAction::kReplace);
  EXPECT_TRUE(index.has_directory("rootfs"));  // by its children
}

TEST(MemberIndex, RefusesAChangeOfType) {
  MemberIndex index;
  ASSERT_TRUE(index.add(in_rootfs("d"), MemberType::kDirectory).ok());
  EXPECT_FALSE(index.add(in_rootfs("d"), MemberType::kSymlink).ok());
  ASSERT_TRUE(index.add(in_rootfs("l"), MemberType::kSymlink).ok());
  EXPECT_FALSE(index.add(in_rootfs("l"), MemberType::kDirectory).ok());
  EXPECT_FALSE(index.add(in_rootfs("l/x"), MemberType::kFile).ok());
  ASSERT_TRUE(index.add(in_rootfs("a/b/c"), MemberType::kFile).ok());
  EXPECT_FALSE(index.add(in_rootfs("a"), MemberType::kSymlink).ok());  // a directory by implication
}

TEST(MemberIndex, HardLinksNeedAnEarlierFile) {
  MemberIndex index;
  EXPECT_FALSE(index.add_hard_link(in_rootfs("h"), in_rootfs("f")).ok());
  ASSERT_TRUE(index.add(in_rootfs("f"), MemberType::kFile).ok());
  EXPECT_EQ(*index.add_hard_link(in_rootfs("h"), in_rootfs("f")), MemberAction::kMake);
  EXPECT_EQ(*index.add_hard_link(in_rootfs("h2"), in_rootfs("h")), MemberAction::kMake);
  ASSERT_TRUE(index.add(in_rootfs("d"), MemberType::kDirectory).ok());
  EXPECT_FALSE(index.add_hard_link(in_rootfs("h3"), in_rootfs("d")).ok());
}

TEST(MemberType, IsCheckedByPart) {
  const MemberPath metadata = *plain_member_path("metadata.yaml", ArchiveLayout::kUnified);
  EXPECT_TRUE(check_member_type(metadata, MemberType::kFile).ok());
  EXPECT_FALSE(check_member_type(metadata, MemberType::kSymlink).ok());
  const MemberPath tpl = *plain_member_path("templates/x", ArchiveLayout::kUnified);
  EXPECT_FALSE(check_member_type(tpl, MemberType::kSymlink).ok());
  EXPECT_FALSE(check_member_type(tpl, MemberType::kFifo).ok());
  const MemberPath rootfs = *plain_member_path("rootfs", ArchiveLayout::kUnified);
  EXPECT_FALSE(check_member_type(rootfs, MemberType::kSymlink).ok());
  EXPECT_TRUE(check_member_type(in_rootfs("dev/null"), MemberType::kDevice).ok());
}

}  // namespace
}  // namespace cella::storage
