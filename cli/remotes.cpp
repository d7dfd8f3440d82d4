#include "cli/remotes.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include <yaml-cpp/yaml.h>

#include "base/fd.h"
#include "base/files.h"
#include "base/units.h"

namespace cella::cli {
namespace {

constexpr std::string_view kHttps = "https://";

std::string text_of(const YAML::Node& node, const char* key, const std::string& otherwise) {
  return node[key] && node[key].IsScalar() ? node[key].as<std::string>() : otherwise;
}

Remote remote_of(const YAML::Node& node) {
  Remote remote;
  remote.addr = text_of(node, "addr", "");
  remote.protocol = text_of(node, "protocol", "lxd");
  remote.auth_type = text_of(node, "auth_type", remote.protocol == "simplestreams" ? "" : "tls");
  remote.project = text_of(node, "project", "");
  remote.is_public = text_of(node, "public", "false") == "true";
  return remote;
}

Remote image_server(const char* address, bool is_static) {
  return {.addr = address, .protocol = "simplestreams", .auth_type = "", .is_public = true, .is_static = is_static};
}

// The servers of images that everybody knows: the first can be changed or removed, the others cannot.
void add_image_servers(RemotesFile& file) {
  file.remotes.try_emplace("ubuntu", image_server("https://cloud-images.ubuntu.com/releases", true));
  file.remotes.try_emplace("ubuntu-daily", image_server("https://cloud-images.ubuntu.com/daily", true));
}

void add_local(RemotesFile& file) {
  Remote& local = file.remotes["local"];
  const std::string project = local.project;  // the one thing of it that can be changed
  local = {.addr = "unix://", .auth_type = "", .project = project, .is_static = true};
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

}  // namespace

Result<RemotesFile> parse_remotes(const std::string& yaml) {
  RemotesFile file;
  try {
    const YAML::Node root = YAML::Load(yaml);
    if (root.IsMap()) {
      file.default_remote = text_of(root, "default-remote", "local");
      for (const auto& entry : root["remotes"]) file.remotes[entry.first.as<std::string>()] = remote_of(entry.second);
      for (const auto& entry : root["aliases"]) {
        file.aliases[entry.first.as<std::string>()] = entry.second.as<std::string>();
      }
    } else if (!root.IsNull()) {
      return Error(ErrorKind::kInvalid, "must be keys and values");
    }
  } catch (const YAML::Exception& error) {
    return Error(ErrorKind::kInvalid, error.what());
  }
  add_local(file);
  add_image_servers(file);
  if (yaml.empty()) file.remotes["images"] = image_server("https://images.linuxcontainers.org", false);
  if (!file.remotes.contains(file.default_remote)) {
    return invalid_value("default-remote", file.default_remote, "there is no such remote");
  }
  return file;
}

std::string format_remotes(const RemotesFile& file) {
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "default-remote" << YAML::Value << file.default_remote;
  out << YAML::Key << "remotes" << YAML::Value << YAML::BeginMap;
  for (const auto& [name, remote] : file.remotes) {
    if (remote.is_static && remote.project.empty()) continue;
    out << YAML::Key << name << YAML::Value << YAML::BeginMap << YAML::Key << "addr" << YAML::Value << remote.addr;
    if (!remote.auth_type.empty()) out << YAML::Key << "auth_type" << YAML::Value << remote.auth_type;
    if (!remote.project.empty()) out << YAML::Key << "project" << YAML::Value << remote.project;
    out << YAML::Key << "protocol" << YAML::Value << remote.protocol;
    out << YAML::Key << "public" << YAML::Value << remote.is_public << YAML::EndMap;
  }
  out << YAML::EndMap << YAML::Key << "aliases" << YAML::Value << YAML::BeginMap;
  for (const auto& [name, expansion] : file.aliases) out << YAML::Key << name << YAML::Value << expansion;
  out << YAML::EndMap << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

Result<HostPort> parse_https_url(std::string_view url, const std::string& otherwise) {
  const std::string whole(url);
  if (!url.starts_with(kHttps)) return invalid_value("address", whole, "must start with https://");
  url.remove_prefix(kHttps.size());
  url = url.substr(0, url.find('/'));
  HostPort out{.host = {}, .port = otherwise};
  std::string_view after;
  if (url.starts_with('[')) {
    const std::size_t end = url.find(']');
    if (end == std::string_view::npos) return invalid_value("address", whole, "the ] is missing");
    out.host = url.substr(1, end - 1);
    after = url.substr(end + 1);
  } else {
    const std::size_t colon = std::min(url.find(':'), url.size());
    out.host = url.substr(0, colon);
    after = url.substr(colon);
  }
  if (out.host.empty()) return invalid_value("address", whole, "the host is missing");
  if (after.empty()) return out;
  const auto port = parse_unsigned("port", after.substr(1));
  if (after[0] != ':' || !port.ok() || *port == 0 || *port > 65535) {
    return invalid_value("address", whole, "the port must be 1 to 65535");
  }
  out.port = after.substr(1);
  return out;
}

Result<std::string> https_url_of(std::string_view text) {
  std::string url(text);
  if (url.find("://") == std::string::npos) {
    // A bare IPv6 address has more than one colon and no bracket.
    if (url.find(':') != url.rfind(':') && !url.starts_with('[')) url = "[" + url + "]";
    url = std::string(kHttps) + url;
  }
  const HostPort parsed = TRY(parse_https_url(url));
  const bool v6 = parsed.host.find(':') != std::string::npos;
  return std::string(kHttps) + (v6 ? "[" + parsed.host + "]" : parsed.host) + ":" + parsed.port;
}

std::string remotes_folder() {
  if (const std::string given = environment("CELLA_CONF"); !given.empty()) return given;
  if (const std::string base = environment("XDG_CONFIG_HOME"); !base.empty()) return base + "/cella";
  const std::string home = environment("HOME");
  return (home.empty() ? "/root" : home) + "/.config/cella";
}

Result<Remotes> Remotes::load(std::string folder) {
  Remotes remotes;
  remotes.folder_ = std::move(folder);
  if (!remotes.folder_.starts_with('/')) {
    return invalid_value("CELLA_CONF", remotes.folder_, "must be an absolute path");
  }
  const std::string path = remotes.folder_ + "/config.yml";
  std::string text;
  if (path_exists(path)) text = TRY(read_file(path));
  remotes.file_ = TRY_CONTEXT(path, parse_remotes(text));
  return remotes;
}

Result<void> Remotes::save() const {
  TRY(make_dirs(folder_, 0750));
  const Fd folder = TRY(open_path(folder_, O_RDONLY | O_DIRECTORY));
  return replace_file_at(folder, "config.yml", format_remotes(file_), 0600);
}

Result<Remote> Remotes::find(const std::string& name) const {
  const auto found = file_.remotes.find(name);
  if (found == file_.remotes.end()) {
    return Error(ErrorKind::kNotFound, "The remote \"" + name + "\" doesn't exist");
  }
  return found->second;
}

Result<api::KeyPair> Remotes::key_pair() const {
  TRY(make_dirs(folder_, 0750));
  const std::string user = environment("USER");
  return api::load_or_make_key_pair(folder_ + "/client.crt", folder_ + "/client.key",
                                    (user.empty() ? "root" : user) + "@cella", api::KeyPairUse::kClient);
}

std::string Remotes::certificate_path(const std::string& name) const {
  return folder_ + "/servercerts/" + name + ".crt";
}

Result<std::string> Remotes::server_certificate(const std::string& name) const {
  const std::string path = certificate_path(name);
  return path_exists(path) ? read_file(path) : Result<std::string>(std::string());
}

Result<void> Remotes::accept_certificate(const std::string& name, const std::string& pem) const {
  TRY(make_dirs(folder_ + "/servercerts", 0750));
  const Fd folder = TRY(open_path(folder_ + "/servercerts", O_RDONLY | O_DIRECTORY));
  return replace_file_at(folder, name + ".crt", pem, 0644);
}

void Remotes::forget_certificate(const std::string& name) const { unlink(certificate_path(name).c_str()); }

void Remotes::rename_certificate(const std::string& from, const std::string& to) const {
  std::rename(certificate_path(from).c_str(), certificate_path(to).c_str());
}

Result<api::TlsServer> Remotes::tls_server(const std::string& name, const Remote& remote) const {
  const HostPort where = TRY(parse_https_url(remote.addr));
  api::TlsServer server{.host = where.host, .port = where.port};
  server.certificate = TRY(server_certificate(name));
  server.trust = server.certificate.empty() ? api::TlsTrust::kAuthorities : api::TlsTrust::kPinned;
  if (remote.is_public) return server;
  api::KeyPair pair = TRY(key_pair());
  server.client_certificate = std::move(pair.certificate);
  server.client_key = std::move(pair.key);
  return server;
}

std::optional<RemoteWord> split_remote(const RemotesFile& file, std::string_view word) {
  const std::size_t colon = word.find(':');
  if (colon == std::string_view::npos || !file.remotes.contains(std::string(word.substr(0, colon)))) {
    return std::nullopt;
  }
  return RemoteWord{std::string(word.substr(0, colon)), std::string(word.substr(colon + 1))};
}

}  // namespace cella::cli
