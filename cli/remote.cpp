// remote add, get-default, list, remove, rename, set-default, set-url: the servers this client knows.
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "api/project.h"
#include "api/server.h"
#include "api/trust.h"
#include "cli/commands.h"
#include "cli/init_questions.h"
#include "cli/object.h"
#include "cli/password_prompt.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

Result<std::string> new_name(const Remotes& remotes, const std::string& word) {
  std::string name = word;
  if (!name.empty() && name.back() == ':') name.pop_back();
  if (name.empty() || name[0] == '.' || name.size() > 100 || name.find_first_of(":/ \t\n") != std::string::npos) {
    return invalid_value("remote", word, "a name has no colon, slash or space, and does not begin with a dot");
  }
  if (remotes.file().remotes.contains(name)) {
    return Error(ErrorKind::kExists, "Remote " + name + " exists as <" + remotes.file().remotes.at(name).addr + ">");
  }
  return name;
}

// The name of a remote that can be changed.
Result<std::string> own_name(const Remotes& remotes, const std::string& word) {
  std::string name = word;
  if (!name.empty() && name.back() == ':') name.pop_back();
  const Remote remote = TRY(remotes.find(name));
  if (remote.is_static) return Error(ErrorKind::kInvalid, "Remote " + name + " is static and cannot be modified");
  return name;
}

// The certificate that the server shows, once the user (or the token's fingerprint) has accepted it.
Result<std::string> accepted_certificate(const std::string& url, const std::string& expected, bool accept) {
  const HostPort where = TRY(parse_https_url(url));
  const std::string pem = TRY(api::fetch_server_certificate(where.host, where.port));
  const std::string fingerprint = TRY(api::fingerprint_of_pem(pem));
  if (!expected.empty()) {
    if (fingerprint == expected) return pem;
    return Error(ErrorKind::kDenied,
                 "the certificate of " + url + " is not the one of the token: its fingerprint is " + fingerprint);
  }
  if (accept) return pem;
  std::printf("Certificate fingerprint: %s\nok (y/n/[fingerprint])? ", fingerprint.c_str());
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == fingerprint || answer == "y" || answer == "yes") return pem;
  return Error(ErrorKind::kDenied, "Server certificate NACKed by user");
}

struct Addition {
  std::string name;
  Remote remote;
  std::string secret;       // password or token; empty: asked for
  std::string fingerprint;  // that the server must have; empty: the user is asked
  bool accept_certificate = false;
};

// Asks the server to trust this client, unless it does already.
Result<void> become_trusted(api::Client& client, const Addition& addition) {
  const auto state = [&]() -> Result<api::Server> {
    const api::Answer answer = TRY(client.call({.method = "GET", .target = "/1.0", .body = {}, .headers = {}}));
    return api::decode<api::Server>(answer.response.metadata.text);
  };
  if (TRY(state()).auth == "trusted") return kOk;
  api::CertificateCreate create;
  create.type = "client";
  create.password = addition.secret;
  if (create.password.empty()) create.password = TRY(ask_password("Admin password (or token) for " + addition.name));
  TRY(client.call({.method = "POST", .target = "/1.0/certificates", .body = api::encode(create), .headers = {}}));
  if (TRY(state()).auth == "trusted") return kOk;
  return Error(ErrorKind::kDenied, "Server doesn't trust us after authentication");
}

Result<void> connect_and_trust(Remotes& remotes, const Addition& addition) {
  const std::string pem =
      TRY(accepted_certificate(addition.remote.addr, addition.fingerprint, addition.accept_certificate));
  TRY(remotes.accept_certificate(addition.name, pem));
  if (addition.remote.is_public) return kOk;
  auto client = TRY(api::Client::connect_tls(TRY(remotes.tls_server(addition.name, addition.remote))));
  return become_trusted(client, addition);
}

Result<void> add_one(Remotes& remotes, const Addition& addition) {
  if (Result<void> trusted = connect_and_trust(remotes, addition); !trusted.ok()) {
    remotes.forget_certificate(addition.name);
    return trusted;
  }
  remotes.file().remotes[addition.name] = addition.remote;
  return remotes.save();
}

// Tries each address of a token.
Result<void> add_by_token(Remotes& remotes, Addition addition, const api::JoinToken& token) {
  addition.fingerprint = token.fingerprint;
  Error last(ErrorKind::kInvalid, "the token names no address");
  for (const std::string& address : token.addresses) {
    addition.remote.addr = TRY(https_url_of(address));
    Result<void> added = add_one(remotes, addition);
    if (added.ok()) return added;
    last = std::move(added).error();
    if (last.kind() == ErrorKind::kDenied) break;  // the right server, which said no: a token works once
  }
  return last;
}

// Nothing is asked of it: its images are public. With --accept-certificate it is known by the certificate it shows, else
// the system's authorities vouch for it.
Result<int> add_image_server(Remotes& remotes, const Arguments& arguments) {
  const std::string where = arguments.words.back();
  Remote remote{.addr = where, .protocol = "simplestreams", .auth_type = "", .is_public = true};
  if (where.find("://") == std::string::npos) remote.addr = "https://" + where;
  const HostPort address = TRY(parse_https_url(remote.addr, "443"));
  const std::string name = TRY(new_name(remotes, arguments.words.size() == 1 ? address.host : arguments.word(0)));
  if (arguments.on("accept-certificate")) {
    TRY(remotes.accept_certificate(name, TRY(api::fetch_server_certificate(address.host, address.port))));
  }
  remotes.file().remotes[name] = remote;
  TRY(remotes.save());
  return 0;
}

Result<int> add(Server& server, const Arguments& arguments) {
  Remotes& remotes = *TRY(server.remotes());
  const std::string where = arguments.words.back();
  const std::string protocol = arguments.text("protocol", "lxd");
  if (protocol == "simplestreams") return add_image_server(remotes, arguments);
  if (protocol != "lxd") return invalid_value("--protocol", protocol, "expected lxd or simplestreams");
  const std::string auth_type = arguments.text("auth-type", "tls");
  if (auth_type != "tls") return invalid_value("--auth-type", auth_type, "expected tls");
  Addition addition;
  addition.remote.project = arguments.text("project");
  addition.remote.is_public = arguments.on("public");
  addition.secret = arguments.text("password");
  addition.accept_certificate = arguments.on("accept-certificate");
  if (where.starts_with("unix:")) {
    addition.name = TRY(new_name(remotes, arguments.word(0)));
    remotes.file().remotes[addition.name] = {.addr = where, .auth_type = "", .project = addition.remote.project};
    TRY(remotes.save());
    return 0;
  }
  const auto token = api::decode_token(where);
  if (arguments.words.size() == 1 && token.ok()) return Error(ErrorKind::kInvalid, "Name the remote: <remote> <token>");
  addition.name =
      TRY(new_name(remotes, arguments.words.size() == 1 ? where.substr(0, where.find(':')) : arguments.word(0)));
  if (token.ok()) {
    addition.secret = where;
    TRY(add_by_token(remotes, std::move(addition), *token));
    return 0;
  }
  addition.remote.addr = TRY(https_url_of(where));
  if (const auto given = api::decode_token(addition.secret); given.ok()) addition.fingerprint = given->fingerprint;
  TRY(add_one(remotes, addition));
  return 0;
}

Result<int> list(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  const RemotesFile& file = TRY(server.remotes())->file();
  Table table{.headers = {"NAME", "URL", "PROTOCOL", "AUTH TYPE", "PUBLIC", "STATIC", "GLOBAL"}, .rows = {}};
  std::string json = "{";
  for (const auto& [name, remote] : file.remotes) {
    const bool local = remote.addr.starts_with("unix:");
    table.rows.push_back({name == file.default_remote ? name + " (current)" : name, remote.addr, remote.protocol,
                          local              ? "file access"
                          : remote.is_public ? "none"
                                             : remote.auth_type,
                          remote.is_public ? "YES" : "NO", remote.is_static ? "YES" : "NO", "NO"});
    json += json.size() > 1 ? "," : "";
    json += api::quote(name) + ":{\"Addr\":" + api::quote(remote.addr) +
            ",\"AuthType\":" + api::quote(remote.auth_type) + ",\"Project\":" + api::quote(remote.project) +
            ",\"Protocol\":" + api::quote(remote.protocol) + ",\"Public\":" + (remote.is_public ? "true" : "false") +
            ",\"Static\":" + (remote.is_static ? "true" : "false") + "}";
  }
  sort_rows(table);
  std::fputs(TRY(render_list(format, table, json + "}")).c_str(), stdout);
  return 0;
}

Result<int> remove(Server& server, const Arguments& arguments) {
  Remotes& remotes = *TRY(server.remotes());
  const std::string name = TRY(own_name(remotes, arguments.word(0)));
  if (remotes.file().default_remote == name) return Error(ErrorKind::kInvalid, "Can't remove the default remote");
  remotes.file().remotes.erase(name);
  TRY(remotes.save());
  remotes.forget_certificate(name);
  return 0;
}

Result<int> rename(Server& server, const Arguments& arguments) {
  Remotes& remotes = *TRY(server.remotes());
  const std::string from = TRY(own_name(remotes, arguments.word(0)));
  const std::string to = TRY(new_name(remotes, arguments.word(1)));
  auto node = remotes.file().remotes.extract(from);
  node.key() = to;
  remotes.file().remotes.insert(std::move(node));
  if (remotes.file().default_remote == from) remotes.file().default_remote = to;
  remotes.rename_certificate(from, to);
  TRY(remotes.save());
  return 0;
}

Result<int> set_default(Server& server, const Arguments& arguments) {
  Remotes& remotes = *TRY(server.remotes());
  std::string name = arguments.word(0);
  if (!name.empty() && name.back() == ':') name.pop_back();
  TRY(remotes.find(name));
  remotes.file().default_remote = name;
  TRY(remotes.save());
  return 0;
}

Result<int> get_default(Server& server, const Arguments&) {
  std::printf("%s\n", TRY(server.remotes())->file().default_remote.c_str());
  return 0;
}

Result<int> set_url(Server& server, const Arguments& arguments) {
  Remotes& remotes = *TRY(server.remotes());
  const std::string name = TRY(own_name(remotes, arguments.word(0)));
  remotes.file().remotes[name].addr =
      arguments.word(1).starts_with("unix:") ? arguments.word(1) : TRY(https_url_of(arguments.word(1)));
  TRY(remotes.save());
  return 0;
}

Command add_command() {
  return {.name = "add",
          .usage = "[<remote>] <address or token>",
          .summary = "Add a server",
          .details =
              "An address is NAME, NAME:PORT or https://NAME:PORT (port 8443 unless given), or unix:///PATH.\n"
              "The server must trust this client: with a token from its \"config trust add\", or with its password.",
          .examples = "cella remote add box 192.0.2.1\ncella remote add box eyJjbGllbnRfbmFtZSI6…",
          .flags = {{.name = "accept-certificate", .help = "Accept the server's certificate without asking"},
                    {.name = "auth-type", .value = "type", .help = "How to authenticate (tls)", .fallback = "tls"},
                    {.name = "password", .value = "password", .help = "The server's password, or a token"},
                    {.name = "protocol", .value = "protocol", .help = "lxd or simplestreams", .fallback = "lxd"},
                    {.name = "public", .help = "Only use its public images, without authentication"}},
          .min_words = 1,
          .max_words = 2,
          .run = add,
          .own_remotes = true};
}

Command verb(std::string_view name, std::string_view usage, std::string_view summary, std::size_t words,
             Result<int> (*run)(Server&, const Arguments&)) {
  return {.name = name,
          .usage = usage,
          .summary = summary,
          .min_words = words,
          .max_words = words,
          .run = run,
          .own_remotes = true};
}

}  // namespace

Command remote_command() {
  Command command{.name = "remote", .summary = "Manage the servers this client knows"};
  command.details = "A server's objects are named REMOTE:NAME in every other command.";
  auto& verbs = command.children;
  verbs.push_back(add_command());
  verbs.push_back(verb("get-default", "", "Show the default remote", 0, get_default));
  verbs.push_back(verb("list", "", "List the remotes", 0, list));
  verbs.back().aliases = {"ls"};
  verbs.back().flags = {list_format_flag()};
  verbs.push_back(verb("remove", "<remote>", "Remove a remote", 1, remove));
  verbs.back().aliases = {"rm"};
  verbs.push_back(verb("rename", "<remote> <new name>", "Rename a remote", 2, rename));
  verbs.back().aliases = {"mv"};
  verbs.push_back(verb("set-url", "<remote> <address>", "Set a remote's address", 2, set_url));
  verbs.push_back(verb("switch", "<remote>", "Set the default remote", 1, set_default));
  verbs.back().aliases = {"set-default"};
  return command;
}

}  // namespace cella::cli
