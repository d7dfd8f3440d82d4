#include "cli/migrate.h"

#include <functional>
#include <span>
#include <thread>

#include "api/codec.h"
#include "api/migration.h"
#include "api/operation.h"
#include "api/server.h"
#include "cli/words.h"

namespace cella::cli {
namespace {

struct Waiting {
  std::string path;  // "/1.0/operations/UUID"
  api::Answer answer;
  api::ConfigMap secrets;
};

// Starts an operation that waits for sockets.
Result<Waiting> start_waiting(Server& server, const std::string& target, const std::string& body) {
  Waiting out;
  out.answer = TRY(server.call("POST", target, body));
  out.path = out.answer.response.operation.substr(0, out.answer.response.operation.find('?'));
  const auto operation = TRY(api::decode<api::Operation>(out.answer.response.metadata.text));
  for (const char* name : {"control", "fs"}) {
    const auto secret = TRY(api::decode_strings("[" + api::member_text(operation.metadata.text, name) + "]"));
    if (secret.empty()) return Error(ErrorKind::kIo, "the server gave no secret for the socket \"" + std::string(name) + "\"");
    out.secrets[name] = secret.front();
  }
  return out;
}

// Ends an operation that nobody will connect to. It may have ended by itself.
void give_up(Server& server, const Waiting& waiting) { (void)server.call("DELETE", waiting.path); }

std::string source_url(const Migration& migration) { return snapshot_url(migration.from); }

std::string send_body(const Migration& migration, const std::string& target) {
  api::InstancePost post{.migration = true, .live = migration.live, .instance_only = migration.instance_only,
                         .container_only = migration.instance_only};
  post.target.text = target;
  return api::encode(post);
}

// Calls attempt with each address until one works; the failure tells what each of them said.
Result<void> try_addresses(const std::vector<std::string>& addresses,
                           const std::function<Result<void>(const std::string&)>& attempt) {
  std::string said;
  for (const std::string& address : addresses) {
    Result<void> tried = attempt(address);
    if (tried.ok() || addresses.size() == 1 || tried.error().kind() == ErrorKind::kCancelled) return tried;
    said += "\n - " + address + ": " + tried.error().message();
  }
  return Error(ErrorKind::kIo, "Failed at every address:" + said);
}

Result<void> pull(Server& source, Server& target, Migration& migration) {
  const Reachable where = TRY(reachable(source));
  const Waiting sending = TRY(start_waiting(source, source_url(migration), send_body(migration, "")));
  migration.create.source.mode = "pull";
  migration.create.source.certificate = where.certificate;
  migration.create.source.secrets = sending.secrets;
  const Result<void> received = try_addresses(where.addresses, [&](const std::string& address) -> Result<void> {
    migration.create.source.operation = address + sending.path;
    TRY(target.change("POST", "/1.0/instances", api::encode(migration.create), {}, "Transferring instance"));
    return kOk;
  });
  if (!received.ok()) {
    give_up(source, sending);
    return received;
  }
  TRY(source.wait(sending.answer));
  return kOk;
}

Result<void> push(Server& source, Server& target, Migration& migration) {
  const Reachable where = TRY(reachable(target));
  migration.create.source.mode = "push";
  const Waiting receiving = TRY(start_waiting(target, "/1.0/instances", api::encode(migration.create)));
  const Result<void> sent = try_addresses(where.addresses, [&](const std::string& address) -> Result<void> {
    const api::MigrationTarget to{where.certificate, address + receiving.path, receiving.secrets};
    TRY(source.change("POST", source_url(migration), send_body(migration, api::encode(to)), {},
                      "Transferring instance"));
    return kOk;
  });
  if (!sent.ok()) {
    give_up(target, receiving);
    return sent;
  }
  TRY(target.wait(receiving.answer));
  return kOk;
}

// Passes frames on until either side ends; then both are.
void pass_on(api::WebSocket& from, api::WebSocket& to) {
  for (;;) {
    const auto frame = from.receive();
    if (!frame.ok() || frame->kind == api::FrameKind::kClosed) break;
    const auto sent = frame->kind == api::FrameKind::kText ? to.send_text(frame->data) : to.send_binary(frame->data);
    if (!sent.ok()) break;
  }
  (void)to.close();
}

// The sockets of both sides, in pairs.
Result<std::vector<api::WebSocket>> open_all(Server& source, const Waiting& sending, Server& target,
                                             const Waiting& receiving) {
  std::vector<api::WebSocket> sockets;
  for (const char* name : {"control", "fs"}) {
    sockets.push_back(TRY(source.websocket(sending.path + "/websocket?secret=" + sending.secrets.at(name))));
    sockets.push_back(TRY(target.websocket(receiving.path + "/websocket?secret=" + receiving.secrets.at(name))));
  }
  return sockets;
}

Result<void> relay(Server& source, Server& target, Migration& migration) {
  migration.create.source.mode = "push";
  const Waiting receiving = TRY(start_waiting(target, "/1.0/instances", api::encode(migration.create)));
  const auto sending = start_waiting(source, source_url(migration), send_body(migration, ""));
  if (!sending.ok()) {
    give_up(target, receiving);
    return sending.error();
  }
  auto opened = open_all(source, *sending, target, receiving);
  if (!opened.ok()) {
    give_up(source, *sending);
    give_up(target, receiving);
    return std::move(opened).error();
  }
  std::vector<api::WebSocket>& sockets = *opened;
  std::vector<std::thread> passing;
  for (std::size_t i = 0; i < sockets.size(); i += 2) {
    passing.emplace_back([&, i] { pass_on(sockets[i], sockets[i + 1]); });
    passing.emplace_back([&, i] { pass_on(sockets[i + 1], sockets[i]); });
  }
  const auto received = target.wait(receiving.answer, "Transferring instance");
  const auto sent = source.wait(sending->answer);
  for (api::WebSocket& socket : sockets) socket.abort();
  for (std::thread& thread : passing) thread.join();
  TRY(received);
  TRY(sent);
  return kOk;
}

}  // namespace

Result<Reachable> reachable(Server& server) {
  const std::string name = TRY(server.remote_name());
  const Remote remote = TRY(TRY(server.remotes())->find(name));
  const auto environment = TRY(server.get<api::Server>("/1.0")).environment;
  Reachable out{{}, environment.certificate};
  for (const std::string& address : environment.addresses) out.addresses.push_back("https://" + address);
  if (out.addresses.empty() && remote.addr.starts_with("https://")) out.addresses.push_back(remote.addr);
  if (out.addresses.empty()) {
    return Error(ErrorKind::kInvalid,
                 "The server \"" + name + "\" is not on the network: set its core.https_address, or use --mode relay");
  }
  return out;
}

Result<RemoteName> remote_name_of(Server& server, std::string_view word) {
  if (server.globals().force_local) return RemoteName{"local", std::string(word)};
  const RemotesFile& file = TRY(server.remotes())->file();
  const auto split = split_remote(file, word);
  if (split) return RemoteName{split->remote, split->rest};
  return RemoteName{file.default_remote, std::string(word)};
}

Result<MigrationMode> migration_mode(const Arguments& arguments) {
  const std::string mode = arguments.text("mode", "pull");
  if (mode == "pull") return MigrationMode::kPull;
  if (mode == "push") return MigrationMode::kPush;
  if (mode == "relay") return MigrationMode::kRelay;
  return invalid_value("--mode", mode, "expected pull, push or relay");
}

Result<void> apply_device_flags(const Arguments& arguments, const api::DeviceMap& expanded, api::DeviceMap& devices) {
  for (const std::string& text : arguments.all("device")) {
    const std::vector<std::string> parts = split_names(text);
    if (parts.size() < 2 || parts[1].find('=') == std::string::npos || parts[0].find('=') != std::string::npos) {
      return invalid_value("--device", text, "write DEVICE,key=value");
    }
    const auto inherited = expanded.find(parts[0]);
    if (inherited != expanded.end()) devices.try_emplace(parts[0], inherited->second);
    for (const auto& [key, value] : TRY(key_values(std::span(parts).subspan(1)))) devices[parts[0]][key] = value;
  }
  if (!arguments.has("storage")) return kOk;
  for (const auto& [name, device] : expanded) {
    const auto path = device.find("path");
    if (path == device.end() || path->second != "/") continue;
    devices.try_emplace(name, device);
    devices[name]["pool"] = arguments.text("storage");
    return kOk;
  }
  devices["root"] = {{"type", "disk"}, {"path", "/"}, {"pool", arguments.text("storage")}};
  return kOk;
}

Result<void> migrate(Server& source, Server& target, Migration migration) {
  migration.create.source.type = "migration";
  migration.create.source.refresh = migration.refresh;
  migration.create.source.instance_only = migration.instance_only;
  migration.create.source.container_only = migration.instance_only;
  switch (migration.mode) {
    case MigrationMode::kPush:
      return push(source, target, migration);
    case MigrationMode::kRelay:
      return relay(source, target, migration);
    case MigrationMode::kPull:
      break;
  }
  return pull(source, target, migration);
}

}  // namespace cella::cli
