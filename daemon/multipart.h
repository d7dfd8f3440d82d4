// multipart/form-data read from a stream, without holding a part in memory.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::daemon {

// The boundary of a Content-Type. Errors: kInvalid when it is no multipart type or has no usable boundary.
Result<std::string> multipart_boundary(std::string_view content_type);

// What a part says of itself.
struct PartHead {
  std::string name;
  std::string filename;
};

// Fed with the body in pieces of any size. Not thread-safe.
class MultipartParser {
 public:
  struct Sink {
    std::function<Result<void>(const PartHead&)> begin;
    std::function<Result<void>(std::string_view)> data;
    std::function<Result<void>()> end;
  };
  MultipartParser(std::string boundary, Sink sink);

  // Errors: kInvalid for a malformed body; the sink's errors.
  Result<void> feed(std::string_view piece);
  // Errors: kInvalid when the closing boundary has not come.
  Result<void> finish() const;

 private:
  enum class Where { kPreamble, kAfterBoundary, kHead, kData, kEnd };
  // One step on what is buffered; false when more input is needed.
  Result<bool> step();
  Result<bool> skip_preamble();
  Result<bool> read_after_boundary();
  Result<bool> read_head();
  Result<bool> read_data();

  std::string delimiter_;  // "\r\n--BOUNDARY"
  Sink sink_;
  Where where_ = Where::kPreamble;
  std::string buffer_;
};

}  // namespace cella::daemon
