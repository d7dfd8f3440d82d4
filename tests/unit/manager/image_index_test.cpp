#include "manager/image_index.h"

#include <gtest/gtest.h>

#include "manager/database.h"
#include "manager/image_records.h"
#include "manager/images.h"

namespace cella::manager {
namespace {

Image image_of(const std::string& start) {
  Image image;
  image.fingerprint = start + std::string(64 - start.size(), '0');
  image.architecture = "x86_64";
  image.profiles = {"default", "second"};
  image.properties = {{"os", "Debian"}};
  image.created_at = Timestamp(std::chrono::seconds(1700000000));
  return image;
}

TEST(ImageIndex, FindsByUnambiguousPrefixOnly) {
  ImageIndex index;
  index.put(image_of("abc1"));
  index.put(image_of("abc2"));
  index.put(image_of("ffff"));
  EXPECT_EQ(index.find("abc1")->fingerprint, image_of("abc1").fingerprint);
  EXPECT_EQ(index.find("f")->fingerprint, image_of("ffff").fingerprint);
  EXPECT_EQ(index.find(image_of("abc2").fingerprint)->fingerprint, image_of("abc2").fingerprint);
  EXPECT_EQ(index.find("abc").error().kind(), ErrorKind::kInvalid);
  for (const char* missing : {"", "abd", "%", "abc_", "a%", "ABC1", "zz"})
    EXPECT_EQ(index.find(missing).error().kind(), ErrorKind::kNotFound) << missing;
  EXPECT_FALSE(index.find(image_of("abc1").fingerprint + "0").ok());
}

TEST(ImageIndex, AliasesFollowTheirImages) {
  ImageIndex index;
  Image first = image_of("a");
  first.aliases = {{"debian/12", "old"}};
  index.put(first);
  index.put(image_of("b"));
  index.put_alias({"debian/12", "new", image_of("b").fingerprint, "container"});
  EXPECT_TRUE(index.find("a")->aliases.empty());
  ASSERT_EQ(index.find("b")->aliases.size(), 1u);
  EXPECT_EQ(index.find("b")->aliases[0].description, "new");
  index.erase(image_of("b").fingerprint);
  EXPECT_EQ(index.find_alias("debian/12").error().kind(), ErrorKind::kNotFound);
}

TEST(AliasName, IsChecked) {
  for (const char* good : {"debian", "debian/12", "a.b-c_d", "\xc3\xa4"})
    EXPECT_TRUE(check_alias_name(good).ok()) << good;
  for (const char* bad : {"", "-x", "a b", "a\nb", "a\tb"}) EXPECT_FALSE(check_alias_name(bad).ok()) << bad;
  EXPECT_FALSE(check_alias_name(std::string(256, 'a')).ok());
}

TEST(ImageRecords, ComeBackAsTheyWere) {
  const Schema schemas[] = {image_schema()};
  const auto database = Database::open(":memory:", schemas);
  ASSERT_TRUE(database.ok()) << database.error().message();
  Image image = image_of("a");
  image.aliases = {{"one", "first"}, {"two", ""}};
  image.expires_at = Timestamp(std::chrono::seconds(1900000000));
  image.is_public = true;
  ASSERT_TRUE(insert_image(**database, image).ok());
  EXPECT_EQ(insert_image(**database, image).error().kind(), ErrorKind::kExists);
  Image other = image_of("b");
  other.aliases = {{"one", "taken"}};
  EXPECT_EQ(insert_image(**database, other).error().kind(), ErrorKind::kExists);
  const auto images = read_images(**database);
  ASSERT_TRUE(images.ok());
  ASSERT_EQ(images->size(), 1u);  // the other went back as a whole
  const Image& read = images->front();
  EXPECT_EQ(read.fingerprint, image.fingerprint);
  EXPECT_EQ(read.profiles, image.profiles);
  EXPECT_EQ(read.properties, image.properties);
  EXPECT_EQ(read.created_at, image.created_at);
  EXPECT_EQ(read.expires_at, image.expires_at);
  EXPECT_TRUE(read.is_public);
  ASSERT_EQ(read.aliases.size(), 2u);
  EXPECT_EQ(read.aliases[0].description, "first");
  ASSERT_TRUE(delete_image(**database, "default", image.fingerprint).ok());
  EXPECT_TRUE(insert_image(**database, other).ok());  // the alias went with its image
}

}  // namespace
}  // namespace cella::manager
