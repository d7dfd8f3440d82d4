#include <gtest/gtest.h>

#include "api/client.h"

namespace cella::api {
namespace {

TEST(Url, EncodesAllButUnreserved) {
  EXPECT_EQ(percent_encode("debian/12 a+b"), "debian%2F12%20a%2Bb");
  EXPECT_EQ(percent_encode("a/b", Slash::kKeep), "a/b");
  EXPECT_EQ(percent_encode("\xff"), "%FF");
}

TEST(Url, DecodesWhatItEncodes) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const auto back = percent_decode(percent_encode(all));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, all);
}

TEST(Url, RefusesBrokenEscapes) {
  for (const char* text : {"%", "%4", "%g1", "a%zz", "%%41"}) EXPECT_FALSE(percent_decode(text).ok()) << text;
}

TEST(Url, SplitsQueries) {
  const auto query = parse_query("filter=status+eq+running&recursion=2&empty=&flag&a=%26");
  ASSERT_TRUE(query.ok());
  ASSERT_EQ(query->size(), 5u);
  EXPECT_EQ(query->at(0).second, "status eq running");
  EXPECT_EQ(query->at(2).second, "");
  EXPECT_EQ(query->at(3).first, "flag");
  EXPECT_EQ(query->at(4).second, "&");
}

}  // namespace
}  // namespace cella::api
