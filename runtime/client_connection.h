// The daemon's end of the keeper's two sockets: ordered calls on one, events on the other.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <thread>

#include "base/fd.h"
#include "base/result.h"
#include "base/seqpacket.h"
#include "runtime/client.h"
#include "runtime/protocol.h"

namespace cella::runtime {

// Where a failed call says which step of a launch or exec it was.
struct FailedStep {
  bool in_step = false;
  std::uint32_t step = 0;
  std::uint32_t index = 0;
  std::int32_t errno_value = 0;
};

// Thread-safe. The reader thread shares ownership: close() may be called in a callback, and a connection whose keeper died
// lives until the sessions it started have ended.
class KeeperClient::Connection {
 public:
  // socket: connected, nothing said yet.
  static Result<std::shared_ptr<Connection>> open(Fd socket, KeeperEvents events);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // No event is delivered after this returns (unless called in a callback: after that callback). Needed once.
  void close();

  pid_t keeper_pid() const { return keeper_pid_; }

  // Sends one request, waits for its answer. bytes: made with the id of next_id(). descriptors are borrowed.
  // Errors: what the keeper answered; kIo when it is gone; kTimeout after 30 s.
  Result<Datagram> call(std::uint64_t id, std::string_view bytes, std::span<const int> descriptors = {},
                        FailedStep* failed = nullptr);
  std::uint64_t next_id();

  template <typename Body>
  Result<Datagram> call(protocol::Kind kind, const Body& body, std::span<const int> descriptors = {}) {
    const std::uint64_t id = next_id();
    return call(id, protocol::encode(kind, id, body), descriptors);
  }

  // A request whose worker reports to a socket that goes along; mount: a further descriptor or -1. Errors name object.
  Result<void> change(std::uint64_t id, std::string_view bytes, int mount, const std::string& object);

  // Sessions this client started. expect_session comes before the request, so that no exit can be missed.
  ExecId expect_session(std::function<void(const ExecExit&)> exited);
  // The process exists; its pidfd serves to learn its exit should the keeper die.
  void session_started(const std::string& container, const ExecSession& started);
  // Its exit will come but concerns nobody.
  void ignore_session(ExecId id);
  // It was never started, so no exit will come.
  void forget_session(ExecId id);

 private:
  struct ExpectedSession {
    std::function<void(const ExecExit&)> exited;  // null: ignored
    std::string container;
    ProcessIdentity identity;
    PidFd process;
  };

  Connection(Fd socket, KeeperEvents events) : socket_(std::move(socket)), events_(std::move(events)) {}
  Result<void> greet();
  void read_events();
  bool read_event();
  void deliver(const ExecExit& exit);
  void watch_orphans();

  std::mutex call_mutex_;  // one request at a time
  Fd socket_;
  std::uint64_t last_id_ = 0;
  pid_t keeper_pid_ = 0;

  const KeeperEvents events_;
  Fd event_socket_;
  Fd stop_;
  Fd procfs_;
  std::atomic<std::thread::id> reader_id_{};  // set by the reader itself, who may call close() at once

  std::mutex session_mutex_;
  std::condition_variable delivery_ended_;
  bool delivers_ = true;
  std::map<std::uint64_t, ExpectedSession> sessions_;
  std::uint64_t last_session_ = 0;
};

}  // namespace cella::runtime
