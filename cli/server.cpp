#include "cli/server.h"

#include <cstdio>
#include <cstdlib>

namespace cella::cli {

std::string socket_path() {
  if (const char* path = std::getenv("CELLA_SOCKET"); path != nullptr && *path != '\0') return path;
  const char* dir = std::getenv("CELLA_DIR");
  return std::string(dir != nullptr && *dir != '\0' ? dir : "/var/lib/cella") + "/unix.socket";
}

std::string last_name(std::string_view resource) {
  resource = resource.substr(0, resource.find('?'));
  return std::string(resource.substr(resource.rfind('/') + 1));
}

std::string url(std::initializer_list<std::string_view> parts) {
  std::string out = "/1.0";
  for (const std::string_view part : parts) out.append("/").append(api::percent_encode(part));
  return out;
}

Result<Remotes*> Server::remotes() {
  if (!remotes_) remotes_.emplace(TRY(Remotes::load()));
  return &*remotes_;
}

Result<void> Server::use_remote(const std::string& name) {
  TRY(TRY(remotes())->find(name));
  if (name != remote_) {
    client_.reset();
    stream_.reset();
  }
  remote_ = name;
  return kOk;
}

Result<std::string> Server::remote_name() {
  if (globals_.force_local) return std::string("local");
  return remote_.empty() ? TRY(remotes())->file().default_remote : remote_;
}

Result<std::string> Server::project() {
  if (!globals_.project.empty()) return globals_.project;
  if (globals_.force_local) return std::string("default");
  const Remote remote = TRY(TRY(remotes())->find(TRY(remote_name())));
  return remote.project.empty() ? "default" : remote.project;
}

Result<api::Client> Server::another_client() {
  const std::string name = TRY(remote_name());
  const Remote remote = globals_.force_local ? Remote{.addr = "unix://"} : TRY(TRY(remotes())->find(name));
  const std::string project = globals_.project.empty() ? remote.project : globals_.project;
  if (!remote.addr.starts_with("unix:")) {
    if (remote.protocol != "lxd") {
      return Error(ErrorKind::kUnsupported,
                   "The remote \"" + name + "\" is an image server: its images can be listed, copied and launched");
    }
    auto client = TRY(api::Client::connect_tls(TRY(TRY(remotes())->tls_server(name, remote))));
    client.set_project(project);
    return client;
  }
  const bool has_path = remote.addr.size() > std::string_view("unix://").size();
  const std::string path = has_path ? remote.addr.substr(std::string_view("unix://").size()) : socket_path();
  auto client = api::Client::connect_unix(path);
  if (!client.ok()) {
    const Error& error = client.error();
    if (error.kind() == ErrorKind::kDenied) {
      return Error(error.kind(), error.message() + "\nYou need to be root or in the group that owns the socket.");
    }
    return Error(error.kind(), error.message() + "\nIs the daemon running? \"cella daemon\" starts it.");
  }
  client->set_project(project);
  return client;
}

Result<const StreamRemote*> Server::stream_remote() {
  if (stream_) return &*stream_;
  if (client_ || globals_.force_local) return nullptr;
  const std::string name = TRY(remote_name());
  const Remote remote = TRY(TRY(remotes())->find(name));
  if (remote.protocol != "simplestreams") return nullptr;
  stream_.emplace(TRY(StreamRemote::open(remote.addr, TRY(TRY(remotes())->server_certificate(name)))));
  return &*stream_;
}

Result<api::Client*> Server::client() {
  if (!client_) client_.emplace(TRY(another_client()));
  return &*client_;
}

Result<api::Answer> Server::call(const std::string& method, const std::string& target, std::string body,
                                 const std::string& etag) {
  if (const StreamRemote* images = TRY(stream_remote()); images != nullptr) return images->answer(method, target);
  api::Client* client = TRY(this->client());
  api::Request request{.method = method, .target = target, .body = std::move(body), .headers = {}};
  if (!etag.empty()) request.headers.emplace_back("If-Match", etag);
  if (globals_.debug) std::fprintf(stderr, "> %s %s %s\n", method.c_str(), target.c_str(), request.body.c_str());
  Result<api::Answer> answer = client->call(request);
  if (globals_.debug && answer.ok()) {
    std::fprintf(stderr, "< %d %s\n", answer->http_status, answer->response.metadata.text.c_str());
  } else if (globals_.debug) {
    std::fprintf(stderr, "< %s\n", answer.error().message().c_str());
  }
  return answer;
}

Result<api::Operation> Server::change(const std::string& method, const std::string& target, std::string body,
                                      const std::string& etag, const std::string& label) {
  return wait(TRY(call(method, target, std::move(body), etag)), label);
}

Result<api::WebSocket> Server::websocket(const std::string& target) {
  api::Client* client = TRY(this->client());
  if (globals_.debug) std::fprintf(stderr, "> WebSocket %s\n", target.c_str());
  return client->open_websocket(target);
}

}  // namespace cella::cli
