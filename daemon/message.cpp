#include "daemon/message.h"

#include <algorithm>
#include <cctype>

#include "api/response.h"
#include "base/units.h"

namespace cella::daemon {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

bool Access::may_use(std::string_view project) const {
  return full() ||
         (level == Level::kRestricted && std::find(projects.begin(), projects.end(), project) != projects.end());
}

const std::string& Request::parameter(std::string_view name) const {
  static const std::string none;
  const auto found = parameters.find(std::string(name));
  return found == parameters.end() ? none : found->second;
}

std::string_view Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return {};
}

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return {};
}

Result<int> Request::recursion() const {
  const std::string_view text = query_value("recursion");
  if (text.empty()) return 0;
  const Result<std::uint64_t> level = parse_unsigned("recursion", text);
  if (!level.ok() || *level > 2) return invalid_value("recursion", text, "must be 0, 1 or 2");
  return static_cast<int>(*level);
}

namespace {

Reply with_body(int status, std::string body) {
  Reply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

}  // namespace

Reply sync_reply(std::string_view metadata) { return with_body(200, api::sync_envelope(metadata)); }

Reply empty_reply() { return sync_reply("{}"); }

Reply created_reply(const std::string& location) {
  Reply reply = with_body(201, api::sync_envelope(""));
  reply.headers.emplace_back("Location", location);
  return reply;
}

Reply async_reply(const std::string& operation_url, std::string_view operation) {
  Reply reply = with_body(202, api::async_envelope(operation_url, operation));
  reply.headers.emplace_back("Location", operation_url);
  return reply;
}

Reply error_reply(const Error& error) { return error_reply(api::http_status_of(error.kind()), error.message()); }

Reply error_reply(int status, std::string_view text) {
  Reply reply = with_body(status, api::error_envelope(status, text));
  reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return reply;
}

Reply octets_reply(std::string body) {
  Reply reply = with_body(200, std::move(body));
  reply.content_type = "application/octet-stream";
  return reply;
}

Result<std::string> read_all(BodyReader& reader, std::size_t limit) {
  std::string body;
  char piece[16 << 10];
  for (;;) {
    const std::size_t count = TRY(reader.read(piece, sizeof piece));
    if (count == 0) return body;
    if (body.size() + count > limit) {
      return Error(ErrorKind::kInvalid, "body is longer than " + std::to_string(limit) + " bytes");
    }
    body.append(piece, count);
  }
}

}  // namespace cella::daemon
