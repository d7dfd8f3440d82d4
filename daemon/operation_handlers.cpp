// /1.0/operations
#include <atomic>
#include <cctype>

#include "api/beast.h"
#include "api/codec.h"
#include "base/units.h"
#include "daemon/handlers.h"
#include "daemon/scope.h"
#include "daemon/socket_operations.h"
#include "daemon/wire.h"

namespace cella::daemon {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// One wait of a client: ended by the operation or by the clock, whichever comes first.
class Wait : public std::enable_shared_from_this<Wait> {
 public:
  Wait(boost::asio::io_context& io, Respond respond) : timer_(io), respond_(std::move(respond)) {}

  void limit(std::chrono::seconds timeout, std::function<Reply()> late) {
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this(), late = std::move(late)](boost::system::error_code error) {
      if (!error) self->answer(late());
    });
  }

  // Once; from any thread.
  void answer(Reply reply) {
    if (answered_.exchange(true)) return;
    respond_(std::move(reply));
    boost::asio::post(timer_.get_executor(), [self = shared_from_this()] { self->timer_.cancel(); });
  }

 private:
  boost::asio::steady_timer timer_;
  Respond respond_;
  std::atomic<bool> answered_{false};
};

class OperationHandlers {
 public:
  OperationHandlers(manager::Operations& operations, SocketOperations& sockets, boost::asio::io_context& io)
      : operations_(operations), sockets_(sockets), io_(io) {}

  Result<Reply> list(const Request& request) {
    const bool whole = TRY(request.recursion()) > 0;
    const bool all = TRY(asks_for_all_projects(request));
    std::map<std::string, std::string> by_status;  // lower-case status → elements
    for (const manager::OperationRecord& record : operations_.list()) {
      // Those of no project are in everybody's list who may know of all.
      if (!shows_project(request, all || record.project.empty(), request.project, record.project)) continue;
      std::string& elements = by_status[lower(std::string(status_text(record.status)))];
      if (!elements.empty()) elements += ',';
      elements += whole ? api::encode(to_wire(record)) : api::quote("/1.0/operations/" + record.id);
    }
    std::string out = "{";
    for (const auto& [status, elements] : by_status) {
      if (out.size() > 1) out += ',';
      out += api::quote(status) + ":[" + elements + "]";
    }
    return sync_reply(out + "}");
  }

  Result<Reply> get(const Request& request) {
    return sync_reply(api::encode(to_wire(TRY(operations_.find(request.parameter("id"))))));
  }

  Result<Reply> cancel(const Request& request) {
    TRY(operations_.cancel(request.parameter("id")));
    return empty_reply();
  }

  void wait(const Request& request, Respond respond) {
    const std::string id = request.parameter("id");
    const std::string_view timeout = request.query_value("timeout");
    std::int64_t seconds = -1;
    if (!timeout.empty()) {
      const Result<std::int64_t> parsed = parse_signed("timeout", timeout);
      if (!parsed.ok()) return respond(error_reply(parsed.error()));
      seconds = *parsed;
    }
    auto waiting = std::make_shared<Wait>(io_, std::move(respond));
    // The clock first: the operation may be over before when_finished() returns.
    if (seconds >= 0) {
      boost::asio::post(io_, [this, waiting, id, seconds] {
        waiting->limit(std::chrono::seconds(seconds), [this, id] { return present(id); });
      });
    }
    const Result<void> found = operations_.when_finished(id, [waiting](const manager::OperationRecord& record) {
      waiting->answer(sync_reply(api::encode(to_wire(record))));
    });
    if (!found.ok()) waiting->answer(error_reply(found.error()));
  }

  Result<TakeWebSocket> websocket(const Request& request) {
    const SocketOperations::Claim claim = TRY(sockets_.claim(request.parameter("id"), request.query_value("secret")));
    return TakeWebSocket(
        [claim](std::shared_ptr<WebSocketPeer> peer) { claim.target->attach(claim.name, std::move(peer)); });
  }

 private:
  Reply present(const std::string& id) {
    const Result<manager::OperationRecord> record = operations_.find(id);
    return record.ok() ? sync_reply(api::encode(to_wire(*record))) : error_reply(record.error());
  }

  manager::Operations& operations_;
  SocketOperations& sockets_;
  boost::asio::io_context& io_;
};

}  // namespace

void add_operation_routes(Router& router, manager::Operations& operations, SocketOperations& sockets,
                          boost::asio::io_context& io) {
  auto handlers = std::make_shared<OperationHandlers>(operations, sockets, io);
  const std::string one = "/1.0/operations/{id}";
  router.add("GET", "/1.0/operations", [handlers](const Request& request) { return handlers->list(request); });
  router.add("GET", one, [handlers](const Request& request) { return handlers->get(request); });
  router.add("DELETE", one, [handlers](const Request& request) { return handlers->cancel(request); });
  router.add_deferred("GET", one + "/wait", [handlers](const Request& request, Respond respond) {
    handlers->wait(request, std::move(respond));
  });
  router.add_websocket(one + "/websocket", [handlers](const Request& request) { return handlers->websocket(request); });
}

}  // namespace cella::daemon
