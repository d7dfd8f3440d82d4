// The two WebSockets of a migration, opened by us at another server or by somebody here.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "api/beast.h"
#include "api/client.h"
#include "base/result.h"
#include "daemon/message.h"
#include "daemon/socket_operations.h"
#include "manager/migration_link.h"

namespace cella::daemon {

inline constexpr const char* kControlSocket = "control";
inline constexpr const char* kStreamSocket = "fs";

// One socket with blocking calls. Thread-safe as MigrationLink asks for.
class MigrationSocket {
 public:
  virtual ~MigrationSocket() = default;
  // Errors: kIo when it is closed or broken.
  virtual Result<api::Frame> receive() = 0;
  virtual Result<void> send(api::FrameKind kind, std::string_view data) = 0;
  virtual void abort() = 0;
};

std::unique_ptr<manager::MigrationLink> make_migration_link(std::unique_ptr<MigrationSocket> control,
                                                            std::unique_ptr<MigrationSocket> stream);

// Where the other server's operation is.
struct MigrationPeer {
  std::string operation;    // "https://192.0.2.1:8443/1.0/operations/UUID"
  std::string certificate;  // PEM of exactly that server; empty: the system's authorities vouch for it
  std::map<std::string, std::string> secrets;
};
// Errors: kInvalid naming the member; nothing is connected to.
Result<void> check_migration_peer(const MigrationPeer& peer);
// Opens both sockets there. Errors: kIo, kDenied (another certificate, a wrong secret), kNotFound.
Result<std::unique_ptr<manager::MigrationLink>> connect_migration(const MigrationPeer& peer);

// Takes the two sockets of an operation here. Thread-safe. io outlives the links it gives.
class MigrationSockets : public SocketOperation {
 public:
  explicit MigrationSockets(boost::asio::io_context& io) : io_(io) {}
  void attach(const std::string& name, std::shared_ptr<WebSocketPeer> peer) override;
  // Waits for both. Errors: kTimeout, kCancelled.
  Result<std::unique_ptr<manager::MigrationLink>> wait(std::chrono::seconds timeout, const std::stop_token& stop);

 private:
  boost::asio::io_context& io_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, std::unique_ptr<MigrationSocket>> sockets_;
};

}  // namespace cella::daemon
