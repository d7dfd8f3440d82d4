// A split image as it comes down: multipart/form-data, read piece by piece.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::cli {

struct PartHeader {
  std::string name;  // "metadata", "rootfs"; empty for an answer that is one file
  std::string filename;
};

// Content-Type's boundary when it is multipart, else "".
std::string multipart_boundary(std::string_view content_type);
// "filename" of Content-Disposition, quoted or not; "" when absent.
std::string filename_of(std::string_view disposition);
// ".tar.gz" of "abc.tar.gz", ".squashfs" of "abc.squashfs", "" without one.
std::string extension_of(std::string_view filename);

// Cuts the body at its boundaries. begin is called for each part, then write with its bytes.
class PartReader {
 public:
  using Begin = std::function<Result<void>(const PartHeader&)>;
  using Write = std::function<Result<void>(std::string_view)>;

  PartReader(const std::string& boundary, Begin begin, Write write)
      : delimiter_("\r\n--" + boundary), pending_("\r\n"), begin_(std::move(begin)), write_(std::move(write)) {}

  // Pieces may be cut anywhere. Errors: kInvalid for a part without headers; those of begin and write.
  Result<void> take(std::string_view piece);
  // Errors: kIo when the last boundary has not come.
  Result<void> finish() const;

 private:
  enum class State { kBody, kAfterDelimiter, kHeaders, kDone };
  // Works on pending_; false when it needs more.
  Result<bool> step();
  Result<bool> step_body();

  std::string delimiter_;
  std::string pending_;
  State state_ = State::kBody;
  bool inside_part_ = false;
  Begin begin_;
  Write write_;
};

}  // namespace cella::cli
