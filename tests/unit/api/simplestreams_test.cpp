#include "api/simplestreams.h"

#include <gtest/gtest.h>

namespace cella::api {
namespace {

const std::string kRoot(64, 'a'), kSquashfs(64, 'b'), kUnified(64, 'c'), kArm(64, 'd');

std::string product(const std::string& arch, const std::string& serial, const std::string& items) {
  return "\"p:" + arch + serial + "\":{\"aliases\":\"debian/12,debian\",\"arch\":\"" + arch +
         "\",\"os\":\"Debian\",\"release\":\"bookworm\",\"support_eol\":\"2028-06-30\",\"lxd_requirements\":{\"secureboot\":"
         "\"false\"},\"versions\":{\"" +
         serial + "\":{\"items\":{" + items + "}}}}";
}

std::string split(const std::string& root, const std::string& squashfs) {
  return R"("m":{"ftype":"lxd.tar.xz","path":"i/lxd.tar.xz","size":10,"combined_rootxz_sha256":")" + root +
         R"(","combined_squashfs_sha256":")" + squashfs +
         R"("},"r":{"ftype":"root.tar.xz","path":"i/root.tar.xz","size":20},)"
         R"("s":{"ftype":"squashfs","path":"i/rootfs.squashfs","size":30})";
}

std::vector<StreamImage> images_of(const std::string& products) {
  auto images = parse_stream_products("{\"products\":{" + products + "}}");
  EXPECT_TRUE(images.ok());
  settle_stream_aliases(*images);
  return *images;
}

TEST(Simplestreams, IndexNamesProductFiles) {
  const auto paths = parse_stream_index(
      R"({"index":{"a":{"datatype":"image-downloads","path":"streams/v1/images.json","products":["x"]},)"
      R"("b":{"datatype":"image-downloads","path":"empty.json","products":[]},)"
      R"("c":{"datatype":"image-ids","path":"ids.json","products":["x"]}}})");
  ASSERT_TRUE(paths.ok());
  EXPECT_EQ(*paths, std::vector<std::string>{"streams/v1/images.json"});
  for (const char* bad : {"", "[]", "{}", R"({"index":[]})"}) EXPECT_FALSE(parse_stream_index(bad).ok()) << bad;
}

TEST(Simplestreams, SplitImagesPreferSquashfs) {
  const auto images = images_of(product("amd64", "20240131_07:42", split(kRoot, kSquashfs)));
  ASSERT_EQ(images.size(), 2u);
  const auto found = find_stream_image(images, "debian/12", "x86_64");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->image.fingerprint, kSquashfs);
  EXPECT_EQ(found->image.size, 40);
  EXPECT_EQ(found->image.architecture, "x86_64");
  EXPECT_EQ(found->image.created_at, "2024-01-31T00:00:00Z");
  EXPECT_EQ(found->image.expires_at, "2028-06-30T00:00:00Z");
  EXPECT_EQ(found->image.properties.at("requirements.secureboot"), "false");
  ASSERT_TRUE(found->rootfs);
  EXPECT_EQ(found->rootfs->path, "i/rootfs.squashfs");
  EXPECT_EQ(find_stream_image(images, "debian/12/amd64", "x86_64")->image.fingerprint, kSquashfs);
  EXPECT_EQ(find_stream_image(images, "aaaa", "x86_64")->image.fingerprint, kRoot);
}

TEST(Simplestreams, NewestSerialAndOwnArchitectureWin) {
  const std::string unified = R"("u":{"ftype":"lxd_combined.tar.gz","path":"i/u.tar.gz","size":5,"sha256":")";
  const auto images = images_of(product("amd64", "20240101", split(kRoot, kSquashfs)) + "," +
                                product("amd64", "20240301", unified + kUnified + "\"}") + "," +
                                product("arm64", "20240401", unified + kArm + "\"}"));
  EXPECT_EQ(find_stream_image(images, "debian", "x86_64")->image.fingerprint, kUnified);
  EXPECT_EQ(find_stream_image(images, "debian", "aarch64")->image.fingerprint, kArm);
  EXPECT_EQ(find_stream_image(images, "debian/arm64", "x86_64")->image.fingerprint, kArm);
  EXPECT_EQ(find_stream_image(images, "nothing", "x86_64").error().kind(), ErrorKind::kNotFound);
}

TEST(Simplestreams, WhatMakesNoSenseIsPassedOver) {
  for (const std::string& items : {split("short", "short"), std::string(R"("m":{"ftype":"lxd.tar.xz"})"),
                                   std::string(R"("m":5)"), std::string(R"("m":{"ftype":["x"]})")}) {
    EXPECT_TRUE(images_of(product("amd64", "20240101", items)).empty()) << items;
  }
  EXPECT_TRUE(images_of(product("amd64", "notaday", split(kRoot, kSquashfs))).empty());
  for (const char* bad : {"[]", "{", R"({"products":[]})"}) EXPECT_FALSE(parse_stream_products(bad).ok()) << bad;
}

TEST(Simplestreams, PathsStayBelowTheServer) {
  EXPECT_EQ(*stream_url("https://a/b", "c/d.xz"), "https://a/b/c/d.xz");
  EXPECT_EQ(*stream_url("https://a/b/", "c"), "https://a/b/c");
  for (const char* bad : {"", "/etc", "../x", "a/../b", "//host/x", "https://evil/x", "a?b", "a b", "a\nb"})
    EXPECT_FALSE(stream_url("https://a", bad).ok()) << bad;
}

}  // namespace
}  // namespace cella::api
