// The client's own configuration: ~/.config/cella/config.yml with the servers it knows, its certificate, and theirs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/client.h"
#include "api/x509.h"
#include "base/result.h"

namespace cella::cli {

struct Remote {
  std::string addr;               // "https://192.0.2.1:8443", "unix://" or "unix:///path"
  std::string protocol = "lxd";   // "lxd" or "simplestreams"
  std::string auth_type = "tls";  // of https servers
  std::string project = {};       // empty: the default one
  bool is_public = false;         // nothing but its public images is used
  bool is_static = false;         // comes with the program: cannot be changed
  bool operator==(const Remote&) const = default;
};

struct RemotesFile {
  std::string default_remote = "local";
  std::map<std::string, Remote> remotes;  // always with "local"
  std::map<std::string, std::string> aliases;
};

// Errors: kInvalid naming what is wrong in the text. Keys it does not know are left out.
Result<RemotesFile> parse_remotes(const std::string& yaml);
std::string format_remotes(const RemotesFile& file);

// host and port of "https://host:port[/…]"; the port is `port` unless given. Errors: kInvalid.
struct HostPort {
  std::string host;  // without brackets
  std::string port;
};
Result<HostPort> parse_https_url(std::string_view url, const std::string& port = "8443");
// What a user may write for a server, as a URL: "192.0.2.1", "name:8443", "https://…", "[::1]". Errors: kInvalid.
Result<std::string> https_url_of(std::string_view text);

// The folder: $CELLA_CONF, else $XDG_CONFIG_HOME/cella, else ~/.config/cella.
std::string remotes_folder();

class Remotes {
 public:
  // What is in the folder; nothing there is an empty configuration. Nothing is written.
  static Result<Remotes> load(std::string folder = remotes_folder());

  const RemotesFile& file() const { return file_; }
  RemotesFile& file() { return file_; }
  // Writes config.yml. Errors: kIo, kDenied naming the file.
  Result<void> save() const;

  // Errors: kNotFound naming it.
  Result<Remote> find(const std::string& name) const;

  // The client's own key pair, made at first use.
  Result<api::KeyPair> key_pair() const;
  // The accepted certificate of a server, PEM; empty: the system's authorities vouch for it.
  Result<std::string> server_certificate(const std::string& name) const;
  Result<void> accept_certificate(const std::string& name, const std::string& pem) const;
  void forget_certificate(const std::string& name) const;
  void rename_certificate(const std::string& from, const std::string& to) const;

  // How to reach an https remote. Errors: those above.
  Result<api::TlsServer> tls_server(const std::string& name, const Remote& remote) const;

 private:
  std::string certificate_path(const std::string& name) const;
  std::string folder_;
  RemotesFile file_;
};

// "r1:c1" with the remotes of `file`: the remote and the rest; no colon, or no remote of that name before it: nullopt.
struct RemoteWord {
  std::string remote;
  std::string rest;
};
std::optional<RemoteWord> split_remote(const RemotesFile& file, std::string_view word);

}  // namespace cella::cli
