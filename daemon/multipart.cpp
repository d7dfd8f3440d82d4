#include "daemon/multipart.h"

#include <algorithm>
#include <cctype>

namespace cella::daemon {
namespace {

constexpr std::size_t kMaxHead = 16u << 10;

Error malformed(std::string_view why) { return Error(ErrorKind::kInvalid, "multipart body: " + std::string(why)); }

bool starts_without_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
         });
}

// The value of `; key=value` or `; key="value"` in a header; "" when absent.
std::string attribute_of(std::string_view header, std::string_view key) {
  std::size_t at = header.find(';');
  while (at != std::string_view::npos) {
    ++at;
    while (at < header.size() && header[at] == ' ') ++at;
    const std::size_t equals = header.find('=', at);
    if (equals == std::string_view::npos) return {};
    const std::string_view name = header.substr(at, equals - at);
    std::string value;
    at = equals + 1;
    if (at < header.size() && header[at] == '"') {
      for (++at; at < header.size() && header[at] != '"'; ++at) {
        if (header[at] == '\\' && at + 1 < header.size()) ++at;
        value += header[at];
      }
      at = header.find(';', std::min(at, header.size()));
    } else {
      const std::size_t end = std::min(header.find(';', at), header.size());
      value = header.substr(at, end - at);
      at = header.find(';', at);
    }
    if (starts_without_case(name, key) && name.size() == key.size()) return value;
  }
  return {};
}

Result<PartHead> parse_head(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    if (!starts_without_case(line, "content-disposition:")) continue;
    return PartHead{attribute_of(line, "name"), attribute_of(line, "filename")};
  }
  return malformed("a part has no Content-Disposition");
}

}  // namespace

Result<std::string> multipart_boundary(std::string_view content_type) {
  if (!starts_without_case(content_type, "multipart/")) {
    return invalid_value("Content-Type", content_type, "expected multipart/form-data");
  }
  std::string boundary = attribute_of(content_type, "boundary");
  if (boundary.empty() || boundary.size() > 70) {
    return invalid_value("Content-Type", content_type, "needs a boundary of 1 to 70 bytes");
  }
  return boundary;
}

MultipartParser::MultipartParser(std::string boundary, Sink sink)
    : delimiter_("\r\n--" + boundary), sink_(std::move(sink)), buffer_("\r\n") {}

Result<void> MultipartParser::feed(std::string_view piece) {
  buffer_.append(piece);
  while (TRY(step())) {
  }
  return kOk;
}

Result<void> MultipartParser::finish() const {
  if (where_ == Where::kEnd) return kOk;
  return malformed("ends before the closing boundary");
}

Result<bool> MultipartParser::step() {
  switch (where_) {
    case Where::kPreamble:
      return skip_preamble();
    case Where::kAfterBoundary:
      return read_after_boundary();
    case Where::kHead:
      return read_head();
    case Where::kData:
      return read_data();
    case Where::kEnd:
      buffer_.clear();
      return false;
  }
  return false;
}

// The buffer starts with a line end of our own, so that a boundary on the first line is found like any other.
Result<bool> MultipartParser::skip_preamble() {
  const std::size_t found = buffer_.find(delimiter_);
  if (found == std::string::npos) {
    if (buffer_.size() > kMaxHead) return malformed("no boundary at its start");
    return false;
  }
  buffer_.erase(0, found + delimiter_.size());
  where_ = Where::kAfterBoundary;
  return true;
}

Result<bool> MultipartParser::read_after_boundary() {
  if (buffer_.size() < 2) return false;
  if (buffer_.starts_with("--")) {
    where_ = Where::kEnd;
  } else if (buffer_.starts_with("\r\n")) {
    buffer_.erase(0, 2);
    where_ = Where::kHead;
  } else {
    return malformed("text after a boundary");
  }
  return true;
}

Result<bool> MultipartParser::read_head() {
  const std::size_t end = buffer_.find("\r\n\r\n");
  if (end == std::string::npos) {
    if (buffer_.size() > kMaxHead) return malformed("a part's headers are too long");
    return false;
  }
  const PartHead head = TRY(parse_head(std::string_view(buffer_).substr(0, end)));
  buffer_.erase(0, end + 4);
  where_ = Where::kData;
  TRY(sink_.begin(head));
  return true;
}

Result<bool> MultipartParser::read_data() {
  const std::size_t found = buffer_.find(delimiter_);
  if (found != std::string::npos) {
    if (found > 0) TRY(sink_.data(std::string_view(buffer_).substr(0, found)));
    TRY(sink_.end());
    buffer_.erase(0, found + delimiter_.size());
    where_ = Where::kAfterBoundary;
    return true;
  }
  // Whatever could be the start of a boundary waits for the next piece.
  const std::size_t keep = std::min(buffer_.size(), delimiter_.size() - 1);
  const std::size_t ready = buffer_.size() - keep;
  if (ready > 0) {
    TRY(sink_.data(std::string_view(buffer_).substr(0, ready)));
    buffer_.erase(0, ready);
  }
  return false;
}

}  // namespace cella::daemon
