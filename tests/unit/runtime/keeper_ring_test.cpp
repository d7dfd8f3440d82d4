#include "runtime/ring.h"

#include <gtest/gtest.h>

#include <string>

namespace cella::runtime {
namespace {

std::string read_from(const Ring& ring, std::uint64_t position) {
  std::string all;
  position = std::max(position, ring.begin());
  for (std::string_view part = ring.piece(position); !part.empty(); part = ring.piece(position)) {
    all += part;
    position += part.size();
  }
  return all;
}

std::string pattern(std::size_t size, std::size_t offset = 0) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i + offset) % 23);
  return text;
}

TEST(Ring, TakesNoMemoryBeforeTheFirstByte) {
  Ring ring(1 << 17);
  ring.append("");
  EXPECT_EQ(ring.capacity(), 0u);
  ring.append("x");
  EXPECT_EQ(ring.capacity(), 4096u);
}

TEST(Ring, GrowsWithItsContentAndKeepsIt) {
  Ring ring(1 << 16);
  std::string all;
  for (std::size_t i = 0; i < 60; ++i) {
    const std::string part = pattern(1000, i);
    ring.append(part);
    all += part;
  }
  EXPECT_EQ(ring.capacity(), std::size_t{1} << 16);
  EXPECT_EQ(read_from(ring, 0), all);
}

TEST(Ring, KeepsTheNewestBytesOnceFull) {
  Ring ring(8192);
  const std::string all = pattern(50'000);
  for (std::size_t at = 0; at < all.size(); at += 777) ring.append(std::string_view(all).substr(at, 777));
  EXPECT_EQ(ring.capacity(), 8192u);
  EXPECT_EQ(ring.end(), all.size());
  EXPECT_EQ(ring.begin(), all.size() - 8192);
  EXPECT_EQ(read_from(ring, 0), all.substr(all.size() - 8192));
}

TEST(Ring, TakesMoreThanItHoldsAtOnce) {
  Ring ring(4096);
  const std::string all = pattern(10'000);
  ring.append("old");
  ring.append(all);
  EXPECT_EQ(ring.end(), 10'003u);
  EXPECT_EQ(read_from(ring, 0), all.substr(10'000 - 4096));
}

TEST(Ring, LetsAReaderFollowByPosition) {
  Ring ring(4096);
  ring.append("one");
  const std::uint64_t position = ring.end();
  ring.append("two");
  EXPECT_EQ(read_from(ring, position), "two");
  EXPECT_TRUE(ring.piece(ring.end()).empty());
}

TEST(Ring, GivesItsMemoryBackAndCountsOn) {
  Ring ring(4096);
  ring.append("12345");
  ring.clear();
  EXPECT_EQ(ring.capacity(), 0u);
  EXPECT_EQ(ring.begin(), 5u);
  EXPECT_TRUE(ring.piece(0).empty());
  ring.append("six");
  EXPECT_EQ(read_from(ring, 0), "six");
  EXPECT_EQ(ring.end(), 8u);
}

}  // namespace
}  // namespace cella::runtime
