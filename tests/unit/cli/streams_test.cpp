#include <gtest/gtest.h>

#include "cli/detach_keys.h"
#include "cli/exec_options.h"
#include "cli/image_parts.h"
#include "cli/progress.h"

namespace cella::cli {
namespace {

Arguments exec(std::initializer_list<std::pair<std::string, std::string>> flags) {
  Arguments arguments;
  arguments.words = {"c1", "ls", "-l"};
  for (const auto& [flag, value] : flags) arguments.flags[flag].push_back(value);
  return arguments;
}

constexpr Terminals kBoth{.input = true, .output = true};

TEST(ExecOptions, AreInteractiveOnlyBetweenTerminals) {
  EXPECT_TRUE(exec_request(exec({}), kBoth)->interactive);
  EXPECT_FALSE(exec_request(exec({}), {.input = true, .output = false})->interactive);
  EXPECT_FALSE(exec_request(exec({{"disable-stdin", "true"}}), kBoth)->interactive);
  EXPECT_TRUE(exec_request(exec({{"force-interactive", "true"}}), {})->interactive);
  EXPECT_FALSE(exec_request(exec({{"force-noninteractive", "true"}}), kBoth)->interactive);
  EXPECT_FALSE(exec_request(exec({{"mode", "non-interactive"}}), kBoth)->interactive);
}

TEST(ExecOptions, CarryCommandIdsAndEnvironment) {
  const auto request =
      exec_request(exec({{"user", "5"}, {"group", "6"}, {"cwd", "/tmp"}, {"env", "A=b=c"}, {"env", "EMPTY"}}), {});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->command, (std::vector<std::string>{"ls", "-l"}));
  EXPECT_EQ(request->user, 5u);
  EXPECT_EQ(request->group, 6u);
  EXPECT_EQ(request->cwd, "/tmp");
  EXPECT_EQ(request->environment, (api::ConfigMap{{"A", "b=c"}, {"EMPTY", ""}}));
  EXPECT_TRUE(request->wait_for_websocket);
}

TEST(ExecOptions, RefuseContradictions) {
  EXPECT_FALSE(exec_request(exec({{"force-interactive", "true"}, {"force-noninteractive", "true"}}), {}).ok());
  EXPECT_FALSE(exec_request(exec({{"force-interactive", "true"}, {"mode", "interactive"}}), {}).ok());
  EXPECT_FALSE(exec_request(exec({{"mode", "sometimes"}}), {}).ok());
  EXPECT_FALSE(exec_request(exec({{"user", "root"}}), {}).ok());
  EXPECT_FALSE(exec_request(exec({{"user", "4294967295"}}), {}).ok());
  EXPECT_FALSE(exec_request(exec({{"env", "=x"}}), {}).ok());
}

TEST(DetachKeys, LeaveOnCtrlAThenQ) {
  DetachKeys keys;
  EXPECT_EQ(keys.pass("ls\r\x01qrest"), "ls\r");
  EXPECT_TRUE(keys.detached());
}

TEST(DetachKeys, MayComeInTwoReads) {
  DetachKeys keys;
  EXPECT_EQ(keys.pass("\x01"), "");
  EXPECT_FALSE(keys.detached());
  EXPECT_EQ(keys.pass("q"), "");
  EXPECT_TRUE(keys.detached());
}

TEST(DetachKeys, PassTheEscapeOnInFrontOfOtherKeys) {
  DetachKeys keys;
  EXPECT_EQ(keys.pass("\x01x"), "\x01x");
  EXPECT_EQ(keys.pass("\x01\x61"), "\x01");
  EXPECT_FALSE(keys.detached());
}

struct Parts {
  std::vector<std::pair<std::string, std::string>> files;  // name:filename → content
  PartReader reader{"XX",
                    [this](const PartHeader& header) -> Result<void> {
                      files.emplace_back(header.name + ":" + header.filename, "");
                      return kOk;
                    },
                    [this](std::string_view piece) -> Result<void> {
                      files.back().second.append(piece);
                      return kOk;
                    }};
};

const std::string kBody =
    "--XX\r\nContent-Disposition: form-data; name=\"metadata\"; filename=\"a.tar.xz\"\r\n\r\nmeta\r\n--X\r\n"
    "\r\n--XX\r\nContent-Disposition: form-data; name=\"rootfs\"; filename=\"a.squashfs\"\r\n\r\nroot\r\n--XX--\r\n";

TEST(ImageParts, AreCutHoweverThePiecesFall) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{3}, std::size_t{7}, kBody.size()}) {
    Parts parts;
    for (std::size_t at = 0; at < kBody.size(); at += size) ASSERT_TRUE(parts.reader.take(kBody.substr(at, size)).ok());
    ASSERT_TRUE(parts.reader.finish().ok());
    ASSERT_EQ(parts.files.size(), 2u);
    EXPECT_EQ(parts.files[0], (std::pair<std::string, std::string>{"metadata:a.tar.xz", "meta\r\n--X\r\n"}));
    EXPECT_EQ(parts.files[1], (std::pair<std::string, std::string>{"rootfs:a.squashfs", "root"}));
  }
}

TEST(ImageParts, ATruncatedBodyIsAnError) {
  Parts parts;
  ASSERT_TRUE(parts.reader.take(kBody.substr(0, kBody.size() - 12)).ok());
  EXPECT_FALSE(parts.reader.finish().ok());
}

TEST(ImageParts, ReadHeaders) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(multipart_boundary("application/octet-stream"), "");
  EXPECT_EQ(filename_of("inline;filename=abc.tar.gz"), "abc.tar.gz");
  EXPECT_EQ(filename_of("form-data; name=\"x\"; filename=\"b c.squashfs\""), "b c.squashfs");
  EXPECT_EQ(extension_of("abc.tar.gz"), ".tar.gz");
  EXPECT_EQ(extension_of("abc.squashfs"), ".squashfs");
  EXPECT_EQ(extension_of("abc"), "");
}

TEST(Progress, ShowsBarPercentAndRate) {
  EXPECT_EQ(transfer_line("Import", 50'000'000, 100'000'000, 2.0, 80),
            "Import [===============>              ] 50% 50.00MB of 100.00MB (25.00MB/s)");
  EXPECT_EQ(transfer_line("Import", 1500, 0, 0.05, 80), "Import 1.50kB");
  EXPECT_EQ(transfer_line("Import", 50, 100, 0, 30), "Import 50% 50B of 100B");
}

}  // namespace
}  // namespace cella::cli
