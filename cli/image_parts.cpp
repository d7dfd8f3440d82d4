#include "cli/image_parts.h"

namespace cella::cli {
namespace {

constexpr std::size_t kMaxHeaders = 16 * 1024;

// Value of `key=` in a header, quoted or not.
std::string parameter(std::string_view header, std::string_view key) {
  const std::string wanted = std::string(key) + "=";
  std::size_t at = header.find(wanted);
  // "filename=" must not be found for "name=".
  while (at != std::string_view::npos && at > 0 && header[at - 1] != ' ' && header[at - 1] != ';') {
    at = header.find(wanted, at + 1);
  }
  if (at == std::string_view::npos) return {};
  std::string_view value = header.substr(at + wanted.size());
  if (value.starts_with('"')) {
    value.remove_prefix(1);
    return std::string(value.substr(0, value.find('"')));
  }
  return std::string(value.substr(0, value.find_first_of("; \r\n")));
}

}  // namespace

std::string multipart_boundary(std::string_view content_type) {
  return content_type.starts_with("multipart/") ? parameter(content_type, "boundary") : std::string();
}

std::string filename_of(std::string_view disposition) { return parameter(disposition, "filename"); }

std::string extension_of(std::string_view filename) {
  if (const std::size_t tar = filename.find(".tar"); tar != std::string_view::npos)
    return std::string(filename.substr(tar));
  const std::size_t dot = filename.rfind('.');
  return dot == std::string_view::npos ? std::string() : std::string(filename.substr(dot));
}

Result<void> PartReader::take(std::string_view piece) {
  pending_.append(piece);
  while (TRY(step())) {
  }
  return kOk;
}

Result<bool> PartReader::step() {
  switch (state_) {
    case State::kBody:
      return step_body();
    case State::kAfterDelimiter:
      if (pending_.size() < 2) return false;
      state_ = pending_.starts_with("--") ? State::kDone : State::kHeaders;
      if (state_ == State::kHeaders) pending_.erase(0, 2);
      return true;
    case State::kHeaders: {
      const std::size_t end = pending_.find("\r\n\r\n");
      if (end == std::string::npos) {
        if (pending_.size() > kMaxHeaders) return Error(ErrorKind::kInvalid, "image part with endless headers");
        return false;
      }
      const std::string headers = pending_.substr(0, end);
      pending_.erase(0, end + 4);
      TRY(begin_({.name = parameter(headers, "name"), .filename = filename_of(headers)}));
      inside_part_ = true;
      state_ = State::kBody;
      return true;
    }
    case State::kDone:
      pending_.clear();
      return false;
  }
  return Error(ErrorKind::kInternal, "image part state out of range");
}

// Passes on all bytes that cannot be the beginning of a delimiter.
Result<bool> PartReader::step_body() {
  const std::size_t at = pending_.find(delimiter_);
  const std::size_t sure = at != std::string::npos               ? at
                           : pending_.size() > delimiter_.size() ? pending_.size() - delimiter_.size()
                                                                 : 0;
  if (inside_part_ && sure > 0) TRY(write_(std::string_view(pending_).substr(0, sure)));
  pending_.erase(0, sure);
  if (at == std::string::npos) return false;
  pending_.erase(0, delimiter_.size());
  state_ = State::kAfterDelimiter;
  return true;
}

Result<void> PartReader::finish() const {
  if (state_ == State::kDone) return kOk;
  return Error(ErrorKind::kIo, "the image ended before its last part was complete");
}

}  // namespace cella::cli
