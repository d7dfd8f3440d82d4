#include "daemon/multipart.h"

#include <gtest/gtest.h>

#include <vector>

namespace cella::daemon {
namespace {

struct Part {
  std::string name, filename, data;
  bool ended = false;
};

struct Outcome {
  std::vector<Part> parts;
  std::optional<Error> error;
};

// Feeds the body in pieces of the given size.
Outcome parse(const std::string& body, std::size_t piece) {
  Outcome outcome;
  MultipartParser parser("B", {.begin = [&](const PartHead& head) -> Result<void> {
                                 outcome.parts.push_back({head.name, head.filename, "", false});
                                 return kOk;
                               },
                               .data = [&](std::string_view data) -> Result<void> {
                                 outcome.parts.back().data += data;
                                 return kOk;
                               },
                               .end = [&]() -> Result<void> {
                                 outcome.parts.back().ended = true;
                                 return kOk;
                               }});
  for (std::size_t at = 0; at < body.size(); at += piece) {
    if (Result<void> fed = parser.feed(std::string_view(body).substr(at, piece)); !fed.ok()) {
      outcome.error = std::move(fed).error();
      return outcome;
    }
  }
  if (Result<void> finished = parser.finish(); !finished.ok()) outcome.error = std::move(finished).error();
  return outcome;
}

const std::string kBody =
    "--B\r\nContent-Disposition: form-data; name=\"metadata\"; filename=\"m \\\"1\\\".tar\"\r\n"
    "Content-Type: application/octet-stream\r\n\r\nfirst\r\n--Bx\r\nbytes\r\n--B\r\n"
    "content-disposition: form-data; name=rootfs\r\n\r\n\r\n--B--\r\n";

class Pieces : public testing::TestWithParam<std::size_t> {};

TEST_P(Pieces, GiveTheSameParts) {
  // "--Bx" looks like the boundary, but a boundary is followed by a line end: such a body is malformed, so use another.
  std::string body = kBody;
  body.replace(body.find("--Bx"), 4, "--Ax");
  const Outcome outcome = parse(body, GetParam());
  ASSERT_FALSE(outcome.error.has_value()) << outcome.error->message();
  ASSERT_EQ(outcome.parts.size(), 2u);
  EXPECT_EQ(outcome.parts[0].name, "metadata");
  EXPECT_EQ(outcome.parts[0].filename, "m \"1\".tar");
  EXPECT_EQ(outcome.parts[0].data, "first\r\n--Ax\r\nbytes");
  EXPECT_EQ(outcome.parts[1].name, "rootfs");
  EXPECT_EQ(outcome.parts[1].data, "");
  EXPECT_TRUE(outcome.parts[1].ended);
}
INSTANTIATE_TEST_SUITE_P(Multipart, Pieces, testing::Values(1, 2, 3, 7, 64, 4096));

TEST(Multipart, RefusesEveryTruncation) {
  std::string body = kBody;
  body.replace(body.find("--Bx"), 4, "--Ax");
  const std::size_t complete = body.rfind("--B--") + 5;
  for (std::size_t length = 0; length < complete; ++length) {
    EXPECT_TRUE(parse(body.substr(0, length), 5).error.has_value()) << length;
  }
}

TEST(Multipart, RefusesMalformedBodies) {
  EXPECT_TRUE(parse("no boundary at all", 4).error.has_value());
  EXPECT_TRUE(parse(std::string(40000, 'x'), 4096).error.has_value());
  EXPECT_TRUE(parse("--B\r\nContent-Type: a/b\r\n\r\ndata\r\n--B--\r\n", 9).error.has_value());
  EXPECT_TRUE(parse("--B\r\n" + std::string(40000, 'h') + "\r\n\r\n", 4096).error.has_value());
  EXPECT_TRUE(parse(kBody, 64).error.has_value());  // "--Bx": text after a boundary
}

TEST(Multipart, FindsTheBoundary) {
  EXPECT_EQ(*multipart_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(*multipart_boundary("Multipart/Form-Data; charset=x; Boundary=\"a b\""), "a b");
  EXPECT_FALSE(multipart_boundary("application/json").ok());
  EXPECT_FALSE(multipart_boundary("multipart/form-data").ok());
  EXPECT_FALSE(multipart_boundary("multipart/form-data; boundary=" + std::string(71, 'b')).ok());
}

}  // namespace
}  // namespace cella::daemon
