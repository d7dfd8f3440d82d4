// The client side of the REST API: requests over one kept-alive connection, and WebSockets beside it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/response.h"
#include "base/fd.h"
#include "base/result.h"

namespace cella::api {

// Header name → value; names are compared without case.
using Headers = std::vector<std::pair<std::string, std::string>>;

// Called as a body moves. done: bytes so far; total: all of them, 0 when unknown. Returning false cancels (kCancelled).
using TransferProgress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

// Delivers a body piece by piece: fills buffer, returns the count, 0 at the end.
using BodySource = std::function<Result<std::size_t>(char* buffer, std::size_t capacity)>;

struct Request {
  std::string method = "GET";
  std::string target;  // path and query, for example "/1.0/instances?recursion=1"
  std::string body;    // JSON text; empty sends no body
  Headers headers;     // "If-Match", "X-LXD-…", …; Host, Content-Length, Content-Type (JSON) are set unless given
};

// A body that is streamed. size: its length when known (else chunked encoding is used).
struct Upload {
  BodySource source;
  std::optional<std::uint64_t> size;
  std::string content_type = "application/octet-stream";
  TransferProgress progress;
};

// An answer as HTTP has it. body: the whole body (at most kMaxJsonBytes), empty when it was streamed elsewhere.
struct HttpAnswer {
  int status = 0;
  Headers headers;
  std::string body;

  // Value of the first header of that name; "" when absent.
  std::string header(std::string_view name) const;
};

// An answer with its envelope read. etag: verbatim header, for If-Match. location: of 201 and 202.
struct Answer {
  Response response;
  int http_status = 0;
  std::string etag;
  std::string location;
};

enum class FrameKind : std::uint8_t { kText, kBinary, kClosed };

// One WebSocket message. kClosed: the peer closed or the connection ended; data is the close reason.
struct Frame {
  FrameKind kind = FrameKind::kClosed;
  std::string data;
};

// An open WebSocket. Thread-safe: one thread may receive while others send or close. Pings are answered by itself
// while somebody receives.
class WebSocket {
 public:
  class State;
  explicit WebSocket(std::shared_ptr<State> state);
  WebSocket(WebSocket&&) noexcept;
  WebSocket& operator=(WebSocket&&) noexcept;
  // Closes the connection without a close frame if close() was not called.
  ~WebSocket();

  // Waits for the next whole message. Errors: kIo when the connection breaks (after an orderly end: a kClosed frame).
  Result<Frame> receive();
  // Waits until the frame was handed to the kernel.
  Result<void> send_text(std::string_view data);
  Result<void> send_binary(std::string_view data);
  // Sends a close frame (code 1000) once; later calls do nothing.
  Result<void> close(std::string_view reason = "");
  // Ends the connection at once; a receive() that waits returns. Safe from any thread.
  void abort();

 private:
  std::shared_ptr<State> state_;
};

// How a TLS server is recognised.
enum class TlsTrust : std::uint8_t {
  kPinned,       // it has exactly TlsServer::certificate
  kAuthorities,  // the system's certificate authorities vouch for its name
  kNone,         // it is not: only to look at its certificate
};

// A server that listens with TLS 1.3.
struct TlsServer {
  std::string host;  // name or address, without brackets
  std::string port;  // decimal
  TlsTrust trust = TlsTrust::kPinned;
  std::string certificate = {};         // PEM
  std::string client_certificate = {};  // PEM; empty: none is shown
  std::string client_key = {};          // PEM
};

// The certificate that a server shows, as PEM; nothing is checked. Errors: kNotFound (name), kIo naming the address.
Result<std::string> fetch_server_certificate(const std::string& host, const std::string& port);

// One server. Not thread-safe (one request at a time); WebSockets it opened live on without it.
class Client {
 public:
  // path: the unix socket. Errors: kNotFound/kIo/kDenied naming the path and why nobody answers there.
  static Result<Client> connect_unix(const std::string& path);
  // Errors: kNotFound (name), kIo (nobody answers, TLS), kDenied (another certificate), kInvalid (own certificate).
  static Result<Client> connect_tls(TlsServer server);

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // Appended to every request's query ("project", "default" is left out). Empty: none.
  void set_project(std::string project);

  // Sends a request and reads the envelope. Errors: the server's error with its kind by HTTP status and its text as
  // what(); kIo when the connection fails.
  Result<Answer> call(const Request& request);

  // The same with a streamed body.
  Result<Answer> upload(const Request& request, const Upload& body);

  // Any request; the raw answer, whatever its status and type.
  Result<HttpAnswer> raw(const Request& request);

  // Reads the answer's body piece by piece into sink. An error envelope becomes an Error; sink sees nothing then.
  // headers_seen is called before the first piece (may be empty).
  using BodySink = std::function<Result<void>(std::string_view piece)>;
  Result<HttpAnswer> download(const Request& request, const BodySink& sink, const TransferProgress& progress = {},
                              const std::function<Result<void>(const HttpAnswer&)>& headers_seen = {});

  // Turns a connection of its own into `protocol` (HTTP's Upgrade) and moves bytes between it and `inside`, a stream
  // socket, until either ends. Errors: the server's error envelope as in call(); kIo when the connection fails.
  Result<void> tunnel(const std::string& target, const std::string& protocol, Fd inside);

  // Opens a WebSocket, for example "/1.0/events?type=operation". Errors: the server's error envelope as in call().
  Result<WebSocket> open_websocket(const std::string& target);

 private:
  class Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Percent-encodes everything but RFC 3986's unreserved characters (and '/' when keep_slash is kKeep).
enum class Slash : std::uint8_t { kEncode, kKeep };
std::string percent_encode(std::string_view text, Slash slash = Slash::kEncode);
// Errors: kInvalid naming the text for a broken %-sequence. '+' becomes a space only in queries.
Result<std::string> percent_decode(std::string_view text);
// "a=b&c=d" → pairs, '+' as space. Errors as percent_decode().
Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

// Reads the whole of a file as a BodySource. size is set from fstat for regular files.
Result<Upload> file_upload(const std::string& path, TransferProgress progress = {});

// A multipart/form-data body of files, streamed one after the other, for split images.
struct FilePart {
  std::string name;  // "metadata", "rootfs"
  std::string filename;
  std::string path;
};
Result<Upload> multipart_upload(const std::vector<FilePart>& parts, TransferProgress progress = {});

}  // namespace cella::api
