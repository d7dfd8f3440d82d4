// Every seed through its target, so that the fuzzers' inputs are ordinary unit tests too.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/fuzz/target.h"

namespace cella::fuzz {
namespace {

const std::filesystem::path kSeeds = std::filesystem::path(CELLA_SOURCE_DIR) / "tests/fuzz/seeds";

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Seeds, RunThroughTheirTargets) {
  ASSERT_FALSE(targets().empty());
  for (const Target& target : targets()) {
    SCOPED_TRACE(target.name);
    int count = 0;
    ASSERT_TRUE(std::filesystem::is_directory(kSeeds / target.name));
    for (const auto& entry : std::filesystem::directory_iterator(kSeeds / target.name)) {
      RecordProperty(std::string(target.name), entry.path().filename().string());
      const std::string bytes = content_of(entry.path());
      target.run(bytes);
      ++count;
    }
    EXPECT_GT(count, 0);
    target.run({});
  }
}

TEST(Seeds, EveryFolderHasATarget) {
  for (const auto& entry : std::filesystem::directory_iterator(kSeeds)) {
    const std::string name = entry.path().filename().string();
    EXPECT_TRUE(std::any_of(targets().begin(), targets().end(), [&](const Target& target) {
      return target.name == name;
    })) << name;
  }
}

// Bytes as an attacker would cut them: every seed's beginning at every length up to a bound.
TEST(Seeds, SurviveBeingCutAnywhere) {
  for (const Target& target : targets()) {
    SCOPED_TRACE(target.name);
    for (const auto& entry : std::filesystem::directory_iterator(kSeeds / target.name)) {
      const std::string bytes = content_of(entry.path());
      const std::size_t stride = std::max<std::size_t>(1, bytes.size() / 64);
      for (std::size_t length = 0; length < bytes.size(); length += stride) {
        const std::string cut = bytes.substr(0, length);
        target.run(cut);
      }
    }
  }
}

}  // namespace
}  // namespace cella::fuzz
