#include "daemon/migration_requests.h"

#include "api/codec.h"
#include "api/migration.h"
#include "manager/instances.h"

namespace cella::daemon {
namespace {

// How long the other server, or the client that relays, may take to connect.
constexpr std::chrono::seconds kConnectTime{60};

// An absent target is null.
Result<std::optional<MigrationPeer>> target_of(const api::InstancePost& body) {
  if (body.target.text.empty() || body.target.text == "null") return std::optional<MigrationPeer>();
  const auto target = TRY_CONTEXT("target", api::decode<api::MigrationTarget>(body.target.text));
  MigrationPeer peer{target.operation, target.certificate, target.secrets};
  TRY_CONTEXT("target", check_migration_peer(peer));
  return std::optional(std::move(peer));
}

// The fingerprint of the image that the instance was once made of; empty: unknown.
Result<void> check_base_image(const std::string& fingerprint) {
  const bool plain = fingerprint.size() == 64 && fingerprint.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (plain || fingerprint.empty()) return kOk;
  return invalid_value("source.base-image", fingerprint.substr(0, 300), "expected the fingerprint of an image");
}

manager::MigrationMeeting meeting_at(const MigrationPeer& peer) {
  manager::MigrationMeeting meeting;
  meeting.open = [peer](const manager::OperationHandle&) { return connect_migration(peer); };
  return meeting;
}

}  // namespace

// start: takes the meeting and starts the operation that waits for its sockets.
template <typename Start>
Result<manager::OperationId> MigrationRequests::start_waiting(const Start& start) {
  const auto waiting = std::make_shared<MigrationSockets>(io_);
  const SocketSecrets secrets = make_secrets({kControlSocket, kStreamSocket});
  manager::MigrationMeeting meeting;
  meeting.operation_class = manager::OperationClass::kWebsocket;
  for (const auto& [name, secret] : secrets) meeting.metadata[name] = manager::Value(secret);
  // Holds the sockets for as long as the operation may wait for them.
  meeting.open = [waiting](const manager::OperationHandle& operation) {
    return waiting->wait(kConnectTime, operation.stop_token());
  };
  const manager::OperationId id = TRY(start(std::move(meeting)));
  sockets_.add(id, secrets, waiting);
  const auto forget = [this, id](const manager::OperationRecord&) { sockets_.remove(id); };
  if (!server_.operations().when_finished(id, forget).ok()) sockets_.remove(id);
  return id;
}

Result<manager::OperationId> MigrationRequests::send(const std::string& instance, const std::string& snapshot,
                                                     const api::InstancePost& body, const Caller& caller) {
  if (body.live && TRY(server_.instances().find(instance)).status == StatusCode::kRunning) {
    return Error(ErrorKind::kUnsupported,
                 "live: the memory of a running container cannot be moved; stop it, or copy it stateless");
  }
  const manager::MigrationSend request{instance, snapshot, body.instance_only || body.container_only};
  manager::InstanceMigration& migration = server_.instances().migration();
  const auto target = TRY(target_of(body));
  if (target) return migration.send(request, meeting_at(*target), caller);
  return start_waiting(
      [&](manager::MigrationMeeting meeting) { return migration.send(request, std::move(meeting), caller); });
}

Result<manager::OperationId> MigrationRequests::receive(manager::InstanceCreate create,
                                                        const api::InstanceSource& source, const Caller& caller) {
  if (source.live) return Error(ErrorKind::kUnsupported, "source.live: a container's memory cannot be received");
  if (create.name.empty()) return invalid_value("name", "", "must be given for an instance from another server");
  TRY(check_base_image(source.base_image));
  manager::MigrationReceive request;
  request.create = std::move(create);
  request.base_image = source.base_image;
  request.instance_only = source.instance_only || source.container_only;
  request.refresh = source.refresh;
  manager::InstanceMigration& migration = server_.instances().migration();
  if (source.mode == "push") {
    return start_waiting(
        [&](manager::MigrationMeeting meeting) { return migration.receive(request, std::move(meeting), caller); });
  }
  if (!source.mode.empty() && source.mode != "pull") {
    return invalid_value("source.mode", source.mode, "expected pull or push");
  }
  const MigrationPeer peer{source.operation, source.certificate, source.secrets};
  TRY_CONTEXT("source", check_migration_peer(peer));
  return migration.receive(request, meeting_at(peer), caller);
}

}  // namespace cella::daemon
