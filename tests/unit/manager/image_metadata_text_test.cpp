#include <gtest/gtest.h>

#include "manager/images.h"
#include "manager/instance_metadata.h"

namespace cella::manager {
namespace {

TEST(ImageMetadataText, IsReadBackAsItWas) {
  ImageMetadata metadata;
  metadata.architecture = "x86_64";
  metadata.creation_date = 1700000000;
  metadata.properties = {{"os", "Debian"}, {"release", "12"}, {"odd: \"key\"", "a\nb # c\t'"}, {"empty", ""}};
  metadata.templates.push_back({"/etc/host name", {"create", "copy"}, "h.tpl", true, {{"k", "true"}}});
  metadata.templates.push_back({"/etc/plain", {}, "p.tpl", false, {}});
  const auto read = parse_image_metadata(format_image_metadata(metadata));
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->architecture, metadata.architecture);
  EXPECT_EQ(read->creation_date, metadata.creation_date);
  EXPECT_EQ(read->properties, metadata.properties);
  ASSERT_EQ(read->templates.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read->templates[i].path, metadata.templates[i].path);
    EXPECT_EQ(read->templates[i].when, metadata.templates[i].when);
    EXPECT_EQ(read->templates[i].source, metadata.templates[i].source);
    EXPECT_EQ(read->templates[i].create_only, metadata.templates[i].create_only);
    EXPECT_EQ(read->templates[i].properties, metadata.templates[i].properties);
  }
}

}  // namespace
}  // namespace cella::manager
