#include <gtest/gtest.h>

#include "manager/image_files.h"
#include "manager/images.h"

namespace cella::manager {
namespace {

constexpr const char* kGood = R"(architecture: x86_64
creation_date: 1700000000
expiry_date: 1800000000
properties:
  os: Debian
  release: "12"
  variant:
templates:
  /etc/hostname:
    when: [create, copy]
    create_only: true
    template: hostname.tpl
    properties:
      key: value
)";

TEST(ImageMetadata, IsRead) {
  const Result<ImageMetadata> metadata = parse_image_metadata(kGood);
  ASSERT_TRUE(metadata.ok()) << metadata.error().message();
  EXPECT_EQ(metadata->architecture, "x86_64");
  EXPECT_EQ(metadata->creation_date, 1700000000);
  EXPECT_EQ(metadata->expiry_date, 1800000000);
  EXPECT_EQ(metadata->properties.at("release"), "12");
  EXPECT_EQ(metadata->properties.at("variant"), "");
  ASSERT_EQ(metadata->templates.size(), 1u);
  EXPECT_EQ(metadata->templates[0].path, "/etc/hostname");
  EXPECT_EQ(metadata->templates[0].when, (std::vector<std::string>{"create", "copy"}));
  EXPECT_EQ(metadata->templates[0].source, "hostname.tpl");
  EXPECT_TRUE(metadata->templates[0].create_only);
  EXPECT_EQ(metadata->templates[0].properties.at("key"), "value");
}

TEST(ImageMetadata, TakesWhatBuildersWrite) {
  EXPECT_EQ(parse_image_metadata("{architecture: aarch64, creation_date: 1.6e9}")->creation_date, 1600000000);
  EXPECT_EQ(parse_image_metadata("architecture: x86_64\ncreation_date: 1600000000.25\n")->creation_date, 1600000000);
  EXPECT_TRUE(
      parse_image_metadata("architecture: x86_64\ncreation_date: 1\nproperties:\ntemplates:\nother: [1]\n").ok());
}

TEST(ImageMetadata, RefusesNamingTheKey) {
  const std::string head = "architecture: x86_64\ncreation_date: 1\n";
  const std::pair<std::string, const char*> table[] = {
      {"", "document"},
      {"- a\n", "document"},
      {"a: [\n", "document"},
      {"creation_date: 1\n", "architecture"},
      {"architecture: x86_64\n", "creation_date"},
      {"architecture: [x]\ncreation_date: 1\n", "architecture"},
      {"architecture: x86_64\ncreation_date: yesterday\n", "creation_date"},
      {"architecture: x86_64\ncreation_date: -5\n", "creation_date"},
      {"architecture: x86_64\ncreation_date: 1e300\n", "creation_date"},
      {"architecture: x86_64\ncreation_date: nan\n", "creation_date"},
      {head + "properties: text\n", "properties"},
      {head + "properties: {a: [1]}\n", "properties.a"},
      {head + "properties: {a: '" + std::string(20000, 'x') + "'}\n", "properties.a"},
      {head + "templates: {etc/hostname: {template: x}}\n", "templates.etc/hostname"},
      {head + "templates: {/a/../b: {template: x}}\n", "templates./a/../b"},
      {head + "templates: {/a: {when: [create]}}\n", "templates./a.template"},
      {head + "templates: {/a: {template: ../../etc/shadow}}\n", "templates./a.template"},
      {head + "templates: {/a: {template: ..}}\n", "templates./a.template"},
      {head + "templates: {/a: {template: x, create_only: maybe}}\n", "templates./a.create_only"},
      {head + "templates: {/a: {template: x, when: create}}\n", "templates./a.when"},
      {head + std::string(2u << 20, '#'), "document"},
      {std::string(100000, '['), "document"},
  };
  for (const auto& [text, key] : table) {
    const Result<ImageMetadata> metadata = parse_image_metadata(text);
    ASSERT_FALSE(metadata.ok()) << text.substr(0, 200);
    EXPECT_EQ(metadata.error().kind(), ErrorKind::kInvalid);
    EXPECT_NE(metadata.error().message().find(std::string("metadata.yaml: ") + key + ":"), std::string::npos)
        << metadata.error().message();
  }
}

TEST(ImageMetadata, AliasBombsDoNotExpand) {
  std::string text = "architecture: x86_64\ncreation_date: 1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + ", " + last + ", " + last + "]\n";
  }
  EXPECT_TRUE(parse_image_metadata(text).ok());
  EXPECT_FALSE(parse_image_metadata(text + "properties: {a: *a29}\n").ok());
}

TEST(ImageExtension, IsToldByTheFirstBytes) {
  using namespace std::string_view_literals;
  EXPECT_EQ(image_extension("\xfd\x37zXZ\0\0"sv), ".tar.xz");
  EXPECT_EQ(image_extension("\x1f\x8b\x08"sv), ".tar.gz");
  EXPECT_EQ(image_extension("BZh9"sv), ".tar.bz2");
  EXPECT_EQ(image_extension("\x28\xb5\x2f\xfd"sv), ".tar.zst");
  EXPECT_EQ(image_extension("hsqs"sv), ".squashfs");
  EXPECT_EQ(image_extension("metadata.yaml"sv), ".tar");
  EXPECT_EQ(image_extension(""sv), ".tar");
}

}  // namespace
}  // namespace cella::manager
