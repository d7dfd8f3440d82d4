// Uploads as multipart/form-data: the first line is the Content-Type, the rest the body.
#include <algorithm>
#include <string>

#include "daemon/multipart.h"
#include "tests/fuzz/target.h"

namespace cella::daemon {
namespace {

struct Outcome {
  std::string seen;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

Outcome parse(const std::string& boundary, std::string_view body, std::size_t piece) {
  Outcome outcome;
  MultipartParser parser(boundary, {.begin = [&](const PartHead& head) -> Result<void> {
                                      outcome.seen += "[" + head.name + "|" + head.filename + "|";
                                      return kOk;
                                    },
                                    .data = [&](std::string_view data) -> Result<void> {
                                      outcome.seen += data;
                                      return kOk;
                                    },
                                    .end = [&]() -> Result<void> {
                                      outcome.seen += "]";
                                      return kOk;
                                    }});
  for (std::size_t at = 0; at < body.size(); at += piece) {
    const Result<void> fed = parser.feed(body.substr(at, piece));
    if (!fed.ok()) {
      outcome.error = fed.error().message();
      return outcome;
    }
  }
  const Result<void> finished = parser.finish();
  if (!finished.ok()) outcome.error = finished.error().message();
  return outcome;
}

}  // namespace

FUZZ_TARGET(multipart) {
  const std::size_t line = std::min(text.find('\n'), text.size());
  const Result<std::string> boundary = multipart_boundary(text.substr(0, line));
  if (!boundary.ok()) return;
  const std::string_view body = text.substr(std::min(line + 1, text.size()));
  const Outcome whole = parse(*boundary, body, std::max<std::size_t>(body.size(), 1));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}}) {
    const Outcome cut = parse(*boundary, body, piece);
    fuzz::require(cut.error.empty() == whole.error.empty(), "how a body is cut does not decide whether it is good");
    if (whole.error.empty()) fuzz::require(cut.seen == whole.seen, "how a body is cut does not change its parts");
  }
}

}  // namespace cella::daemon
