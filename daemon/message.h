// One API request and what is answered to it, as handlers see them: no socket, no HTTP library.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace cella::daemon {

enum class Transport : std::uint8_t { kUnix, kTls };

// Who is at the other end.
struct Peer {
  // Of the process at the other end of the unix socket (SO_PEERCRED).
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  Transport transport = Transport::kUnix;
  std::string address;      // over TLS: "192.0.2.1:4711"
  std::string certificate;  // over TLS: DER of what the client showed and proved to own; empty: nothing
};

// What the sender of a request may do. Nobody is trusted unless something says so.
struct Access {
  enum class Level : std::uint8_t { kUntrusted, kMetrics, kRestricted, kFull };
  Level level = Level::kUntrusted;
  std::vector<std::string> projects;  // of kRestricted: the only ones it may use
  std::string fingerprint;            // of the certificate that it is trusted for; empty: the unix socket

  bool full() const { return level == Level::kFull; }
  bool trusted() const { return level >= Level::kRestricted; }
  bool may_use(std::string_view project) const;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string path;  // canonical_path(): percent-encoded, without empty parts
  std::vector<std::pair<std::string, std::string>> query;
  std::map<std::string, std::string> parameters;  // of the route: "{name}" → value
  Headers headers;
  std::string body;  // empty for routes that stream it
  // Of the query, "default" when it names none: there when a handler runs. In the routes of instances the parameter
  // "name" is the qualified name in it (manager/names.h).
  std::string project = "default";
  // Where its images and profiles are: in it, or in "default".
  std::string project_of_images = "default";
  std::string project_of_profiles = "default";
  Peer peer;
  Access access;
  std::int64_t guest = 0;  // the instance whose guest API it came through (manager::GuestId); 0: none

  // The route's parameter; it must be one of the route's pattern.
  const std::string& parameter(std::string_view name) const;
  // First value of a query key; "" when absent.
  std::string_view query_value(std::string_view name) const;
  // First value of a header, names compared without case; "" when absent.
  std::string_view header(std::string_view name) const;
  // 0, 1, 2 of ?recursion=. Errors: kInvalid.
  Result<int> recursion() const;
};

// One stretch of a streamed answer: text, a whole file, or what a source gives.
struct BodyPiece {
  std::string text;
  Fd file;  // valid: the file's content, from its start
  std::function<Result<std::size_t>(char* into, std::size_t capacity)> source;  // set: the next bytes, 0 at the end
  std::uint64_t size = 0;                                                       // of file or source

  std::uint64_t length() const { return file.valid() || source ? size : text.size(); }
};

struct Reply {
  int status = 200;
  std::string content_type = "application/json";
  Headers headers;
  std::string body;
  std::vector<BodyPiece> pieces;  // not empty: streamed instead of body
};

// JSON text of the metadata in an envelope.
Reply sync_reply(std::string_view metadata);
Reply empty_reply();                                                              // metadata {}
Reply created_reply(const std::string& location);                                 // 201, metadata null
Reply async_reply(const std::string& operation_url, std::string_view operation);  // 202
Reply error_reply(const Error& error);
Reply error_reply(int status, std::string_view text);
// Raw bytes as application/octet-stream.
Reply octets_reply(std::string body);

// Reads the body of a request whose route streams it. Blocks; only for upload handlers.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // Up to capacity bytes; 0 at the end. Errors: kIo when the client vanished or the body is cut short.
  virtual Result<std::size_t> read(char* buffer, std::size_t capacity) = 0;
};

// The whole body as text. Errors: kInvalid when it is longer than limit.
Result<std::string> read_all(BodyReader& reader, std::size_t limit);

enum class FrameKind : std::uint8_t { kText, kBinary, kClosed };

// One accepted WebSocket. All calls and all callbacks happen on the server's one I/O thread. Dropping the last pointer
// ends the connection, after close() once the client has answered.
class WebSocketPeer {
 public:
  virtual ~WebSocketPeer() = default;
  // Delivers the next message once. kClosed: the peer sent a close frame (orderly) or vanished (not orderly).
  enum class Ending : std::uint8_t { kNone, kOrderly, kVanished };
  using OnFrame = std::function<void(FrameKind kind, std::string_view data, Ending ending)>;
  virtual void read(OnFrame callback) = 0;
  // From now on binary messages come whole as text does; one longer than the limit ends the connection.
  virtual void read_whole(std::size_t limit) = 0;
  // Sends one message; one at a time. data stays with the caller until callback.
  virtual void write(FrameKind kind, std::string_view data, std::function<void(bool sent)> callback) = 0;
  // Pings with a payload; only while no write is under way.
  virtual void ping(std::string_view payload, std::function<void(bool sent)> callback) = 0;
  // Sends a close frame and ends the connection. Pending callbacks come with kClosed or false.
  virtual void close() = 0;
};

}  // namespace cella::daemon
