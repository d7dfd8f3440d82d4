// config trust: whom a server trusts.
#include "cli/trust.h"

#include <cstdio>

#include "api/base64.h"
#include "api/operation.h"
#include "api/trust.h"
#include "api/x509.h"
#include "base/files.h"
#include "cli/object.h"
#include "cli/quantity.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

constexpr std::string_view kComment =
    "### This is the certificate as YAML. Lines that start with \"#\" are ignored. The fingerprint cannot be changed.";

// What lies behind "REMOTE:" in an optional first word; choose_remote() has taken the remote.
Result<void> take_remote(std::vector<std::string>& words) {
  if (words.empty() || !is_remote(words[0])) return kOk;
  TRY(local_name(words[0]));
  words.erase(words.begin());
  return kOk;
}

api::CertificateCreate request_of(const Arguments& arguments) {
  api::CertificateCreate create;
  create.name = arguments.text("name");
  create.type = arguments.text("type", "client");
  create.restricted = arguments.on("restricted");
  create.projects = split_names(arguments.text("projects"));
  return create;
}

Result<int> add_token(Server& server, api::CertificateCreate create) {
  create.token = true;
  const api::Answer answer = TRY(server.call("POST", "/1.0/certificates", api::encode(create)));
  const auto operation = TRY(api::decode<api::Operation>(answer.response.metadata.text));
  const auto token = TRY(api::decode<api::TokenMetadata>(operation.metadata.text));
  say(server, "Client " + token.request.name + " certificate add token:");
  std::printf("%s\n", api::encode_token(
                          {token.request.name, token.fingerprint, token.addresses, token.secret, token.expires_at})
                          .c_str());
  return 0;
}

Result<int> add(Server& server, const Arguments& arguments) {
  std::vector<std::string> words = arguments.words;
  TRY(take_remote(words));
  api::CertificateCreate create = request_of(arguments);
  if (words.empty()) {
    if (!create.name.empty()) return add_token(server, std::move(create));
    return Error(ErrorKind::kInvalid, "Give --name for a token, or a certificate's file");
  }
  const std::string pem = TRY(read_file(words[0]));
  const std::size_t slash = words[0].rfind('/');
  if (create.name.empty()) create.name = words[0].substr(slash == std::string::npos ? 0 : slash + 1);
  create.certificate = api::base64_encode(TRY_CONTEXT(words[0], api::der_of_pem(pem)));
  TRY(server.call("POST", "/1.0/certificates", api::encode(create)));
  return 0;
}

Result<int> list(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  const auto certificates = TRY(server.list<api::Certificate>("/1.0/certificates?recursion=1"));
  Table table{.headers = {"TYPE", "NAME", "COMMON NAME", "FINGERPRINT", "ISSUE DATE", "EXPIRY DATE"}, .rows = {}};
  for (const auto& certificate : certificates) {
    const auto dates = api::dates_of_pem(certificate.certificate);
    table.rows.push_back(
        {certificate.type, certificate.name,
         api::common_name_of_pem(certificate.certificate).ok() ? *api::common_name_of_pem(certificate.certificate) : "",
         certificate.fingerprint.substr(0, 12), dates.ok() ? short_time(dates->from) : "",
         dates.ok() ? short_time(dates->until) : ""});
  }
  sort_rows(table);
  std::fputs(TRY(render_list(format, table, api::encode_list(certificates))).c_str(), stdout);
  return 0;
}

std::vector<api::Operation> tokens_of(api::OperationsByStatus by_status) {
  std::vector<api::Operation> out;
  for (auto& [status, operations] : by_status) {
    for (api::Operation& operation : operations) {
      const bool names_client = !api::member_text(operation.metadata.text, "request").empty();
      if (operation.op_class == "token" && names_client && !operation.finished()) out.push_back(std::move(operation));
    }
  }
  return out;
}

Result<std::vector<api::Operation>> fetch_tokens(Server& server) {
  const api::Answer answer = TRY(server.call("GET", "/1.0/operations?recursion=1"));
  return tokens_of(TRY(api::decode<api::OperationsByStatus>(answer.response.metadata.text)));
}

Result<int> list_tokens(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  Table table{.headers = {"NAME", "TOKEN", "EXPIRES AT"}, .rows = {}};
  const auto tokens = TRY(fetch_tokens(server));
  for (const api::Operation& operation : tokens) {
    const auto token = TRY(api::decode<api::TokenMetadata>(operation.metadata.text));
    const std::string text =
        api::encode_token({token.request.name, token.fingerprint, token.addresses, token.secret, token.expires_at});
    table.rows.push_back({token.request.name, text, is_time_set(token.expires_at) ? short_time(token.expires_at) : ""});
  }
  sort_rows(table);
  std::fputs(TRY(render_list(format, table, api::encode_list(tokens))).c_str(), stdout);
  return 0;
}

Result<int> revoke_token(Server& server, const Arguments& arguments) {
  const std::string name = TRY(required_name(arguments.word(0), "token"));
  for (const api::Operation& operation : TRY(fetch_tokens(server))) {
    if (TRY(api::decode<api::TokenMetadata>(operation.metadata.text)).request.name != name) continue;
    TRY(server.call("DELETE", url({"operations", operation.id})));
    say(server, "Certificate add token for " + name + " deleted");
    return 0;
  }
  return Error(ErrorKind::kNotFound, "No certificate add token for member " + name);
}

Result<int> remove(Server& server, const Arguments& arguments) {
  const std::string fingerprint = TRY(required_name(arguments.words.back(), "certificate"));
  TRY(server.call("DELETE", url({"certificates", fingerprint})));
  return 0;
}

Result<int> show(Server& server, const Arguments& arguments) {
  const std::string fingerprint = TRY(required_name(arguments.word(0), "certificate"));
  const api::Answer answer = TRY(server.call("GET", url({"certificates", fingerprint})));
  std::fputs(TRY(yaml_as<api::Certificate>(answer.response.metadata.text)).c_str(), stdout);
  return 0;
}

Result<int> edit(Server& server, const Arguments& arguments) {
  const std::string target = url({"certificates", TRY(required_name(arguments.word(0), "certificate"))});
  const api::Answer answer = TRY(server.call("GET", target));
  TRY((edit_object<api::Certificate, api::CertificatePut>(server, target, kComment, answer.response.metadata.text,
                                                          answer.etag)));
  return 0;
}

Command verb(std::string_view name, std::string_view usage, std::string_view summary,
             Result<int> (*run)(Server&, const Arguments&), std::size_t least, std::size_t most) {
  return {.name = name, .usage = usage, .summary = summary, .min_words = least, .max_words = most, .run = run};
}

}  // namespace

Command config_trust_command() {
  Command command{.name = "trust", .summary = "Manage which clients a server trusts"};
  auto& verbs = command.children;
  verbs.push_back(verb("add", "[<remote>:] [<certificate file>]", "Trust a certificate, or make a token", add, 0, 2));
  verbs.back().details = "With --name and no file a token is made: whoever has it may add itself, once.";
  verbs.back().flags = {{.name = "name", .value = "name", .help = "Name of the client"},
                        {.name = "projects", .value = "a,b", .help = "Projects it may use, with --restricted"},
                        {.name = "restricted", .help = "Let it use only the projects given"},
                        {.name = "type", .value = "type", .help = "client or metrics", .fallback = "client"}};
  verbs.push_back(verb("edit", "[<remote>:]<fingerprint>", "Edit a certificate as YAML", edit, 1, 1));
  verbs.push_back(verb("list", "[<remote>:]", "List trusted certificates", list, 0, 1));
  verbs.back().aliases = {"ls"};
  verbs.back().flags = {list_format_flag()};
  verbs.push_back(verb("list-tokens", "[<remote>:]", "List tokens that are not used yet", list_tokens, 0, 1));
  verbs.back().flags = {list_format_flag()};
  verbs.push_back(verb("remove", "[<remote>:]<fingerprint>", "Trust a certificate no longer", remove, 1, 1));
  verbs.back().aliases = {"rm"};
  verbs.push_back(verb("revoke-token", "[<remote>:]<name>", "Make a token worthless", revoke_token, 1, 1));
  verbs.push_back(verb("show", "[<remote>:]<fingerprint>", "Show a certificate as YAML", show, 1, 1));
  return command;
}

}  // namespace cella::cli
