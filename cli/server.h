// The daemon a command talks to: connected at first use, so that help and parse errors need none.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/client.h"
#include "api/codec.h"
#include "api/operation.h"
#include "cli/progress.h"
#include "cli/remotes.h"
#include "cli/stream_remote.h"

namespace cella::cli {

// What the flags common to all commands said.
struct Globals {
  bool quiet = false;
  bool debug = false;
  bool verbose = false;
  bool force_local = false;
  std::string project;  // empty: the default project
};

class Server {
 public:
  explicit Server(Globals globals) : globals_(std::move(globals)) {}

  const Globals& globals() const { return globals_; }
  Show progress() const { return globals_.quiet ? Show::kNothing : Show::kOnTerminal; }

  // The user's own configuration, read at first use.
  Result<Remotes*> remotes();
  // Talks to this remote from now on; without a call it is the default one. Errors: kNotFound naming it.
  Result<void> use_remote(const std::string& name);
  // The remote that is talked to.
  Result<std::string> remote_name();
  // The project that requests are about: of --project, else the remote's.
  Result<std::string> project();

  // The connection. Errors: kNotFound/kDenied/kIo naming the socket and what to do about it.
  Result<api::Client*> client();
  // A second connection, for a thread of its own.
  Result<api::Client> another_client();

  // One request. body: JSON text or empty. etag: sent as If-Match unless empty. Errors: as api::Client::call.
  Result<api::Answer> call(const std::string& method, const std::string& target, std::string body = {},
                           const std::string& etag = {});

  // The metadata of a GET, decoded; etag (may be null) receives the answer's ETag.
  template <typename T>
  Result<T> get(const std::string& target, std::string* etag = nullptr) {
    api::Answer answer = TRY(call("GET", target));
    if (etag != nullptr) *etag = answer.etag;
    return api::decode<T>(answer.response.metadata.text);
  }
  template <typename T>
  Result<std::vector<T>> list(const std::string& target) {
    const api::Answer answer = TRY(call("GET", target));
    return api::decode_list<T>(answer.response.metadata.text);
  }

  // Sends a request that changes something; when it became an operation, waits for its end as wait() does.
  Result<api::Operation> change(const std::string& method, const std::string& target, std::string body = {},
                                const std::string& etag = {}, const std::string& label = {});

  // Waits for the operation an answer started. From the second second on a terminal shows its progress below `label`,
  // and Ctrl-C cancels it on the server. A synchronous answer is an operation that succeeded, without an id.
  // Errors: the operation's own error; kCancelled.
  Result<api::Operation> wait(const api::Answer& answer, const std::string& label = {});

  Result<api::WebSocket> websocket(const std::string& target);

 private:
  // The images of the remote when it is a simplestreams server, else null.
  Result<const StreamRemote*> stream_remote();

  Globals globals_;
  std::optional<Remotes> remotes_;
  std::string remote_;  // empty: the default one
  std::optional<api::Client> client_;
  std::optional<StreamRemote> stream_;
};

// $CELLA_SOCKET, else unix.socket in $CELLA_DIR, else in /var/lib/cella.
std::string socket_path();

// "/1.0/instances/NAME…" with each name percent-encoded: url({"instances", name, "state"}).
std::string url(std::initializer_list<std::string_view> parts);
// The last name in such an address, without its query: "/1.0/instances/c1?project=web" is "c1".
std::string last_name(std::string_view resource);

// What an operation says about its progress ("rootfs: 42% (37.75MB/s)"); empty when it says nothing.
std::string progress_text(const api::Operation& operation);

}  // namespace cella::cli
