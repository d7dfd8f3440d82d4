// /1.0/certificates
#include <chrono>
#include <mutex>

#include "api/base64.h"
#include "api/codec.h"
#include "api/trust.h"
#include "api/x509.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/https_listener.h"
#include "daemon/join_tokens.h"
#include "daemon/wire.h"
#include "manager/certificates.h"
#include "manager/snapshot_names.h"

namespace cella::daemon {
namespace {

constexpr int kWrongPasswordsPerMinute = 20;
// Who is trusted is for those to know who may know everything.
constexpr const char* kOfNoProject = "";

std::string url_of(const manager::Certificate& certificate) { return "/1.0/certificates/" + certificate.fingerprint; }

api::Certificate to_wire(const manager::Certificate& certificate) {
  return {certificate.name,       certificate_type_text(certificate.type),
          certificate.restricted, certificate.projects,
          certificate.pem,        certificate.fingerprint};
}

std::string representation_of(const manager::Certificate& certificate) {
  return api::encode(api::CertificatePut{certificate.name, certificate_type_text(certificate.type),
                                         certificate.restricted, certificate.projects, certificate.pem});
}

// PEM, or base64 of DER, which may be broken into lines: pylxd sends a PEM's inside as it stands.
Result<std::string> der_of(std::string text) {
  if (text.starts_with("-----BEGIN")) return TRY_CONTEXT("certificate", api::der_of_pem(text));
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
  return TRY_CONTEXT("certificate", api::base64_decode(text));
}

Error not_authorized() { return Error(ErrorKind::kDenied, "not authorized"); }

// One guess at a time, and not too many: each costs 50 ms and 16 MiB.
class PasswordGuard {
 public:
  Result<bool> check(const manager::Server& server, const std::string& password) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return too_many();
    const auto now = std::chrono::steady_clock::now();
    if (now - minute_ > std::chrono::minutes(1)) {
      minute_ = now;
      wrong_ = 0;
    }
    if (wrong_ >= kWrongPasswordsPerMinute) return too_many();
    const bool right = TRY(server.accepts_password(password));
    if (!right) ++wrong_;
    return right;
  }

 private:
  static Error too_many() { return Error(ErrorKind::kBusy, "too many passwords are being tried: wait a minute"); }
  std::mutex mutex_;
  std::chrono::steady_clock::time_point minute_;
  int wrong_ = 0;
};

class CertificateHandlers {
 public:
  CertificateHandlers(manager::Server& server, HttpsListener& https, JoinTokens& tokens)
      : server_(server), store_(server.certificates()), https_(https), tokens_(tokens) {}

  Result<Reply> list(const Request& request) {
    std::vector<manager::Certificate> visible = store_.list();
    std::erase_if(visible, [&](const auto& certificate) { return !may_see(request, certificate); });
    return collection_reply(request, visible, to_wire, url_of);
  }

  Result<Reply> get(const Request& request) {
    const auto certificate = TRY(find(request));
    return sync_reply_with_etag(api::encode(to_wire(certificate)), representation_of(certificate));
  }

  Result<Reply> create(const Request& request) {
    const auto body = TRY(api::decode<api::CertificateCreate>(request.body));
    JoinGrant grant;
    grant.name = body.name;
    if (!body.type.empty()) grant.type = TRY(manager::parse_certificate_type(body.type));
    grant.restricted = body.restricted;
    grant.projects = body.projects;
    if (body.token) return create_token(request, std::move(grant));
    std::string der = request.peer.certificate;
    if (!body.certificate.empty()) der = TRY(der_of(body.certificate));
    if (der.empty()) return Error(ErrorKind::kInvalid, "certificate: none is given, and the client shows none");
    const std::string pem = TRY(api::pem_of_der(der));
    if (!request.access.full()) {
      const std::string& secret = body.trust_token.empty() ? body.password : body.trust_token;
      grant = TRY(let_in(secret, std::move(grant)));
    }
    if (grant.name.empty()) grant.name = default_name(request);
    const manager::Certificate certificate{
        api::fingerprint_of_der(der), grant.name, grant.type, grant.restricted, grant.projects, pem};
    TRY(store_.add(certificate));
    announce(request, "certificate-created", certificate);
    return created_reply(url_of(certificate));
  }

  Result<Reply> put(const Request& request) {
    const auto body = TRY(api::decode<api::CertificatePut>(request.body));
    return change(request, {body.name, body.type, body.restricted, body.projects, body.certificate});
  }

  Result<Reply> patch(const Request& request) {
    return change(request, TRY(api::decode<api::CertificatePatch>(request.body)));
  }

  Result<Reply> remove(const Request& request) {
    const auto certificate = TRY(find(request));
    TRY(store_.remove(certificate.fingerprint));
    announce(request, "certificate-deleted", certificate);
    return empty_reply();
  }

 private:
  static bool may_see(const Request& request, const manager::Certificate& certificate) {
    return request.access.full() || certificate.fingerprint == request.access.fingerprint;
  }

  Result<manager::Certificate> find(const Request& request) const {
    auto certificate = TRY(store_.find(request.parameter("fingerprint")));
    if (!may_see(request, certificate)) return Error(ErrorKind::kNotFound, "Certificate not found");
    return certificate;
  }

  // Whoever is not trusted shows a token or the password. What they ask for besides does not count: a token says what
  // its holder gets, and the password gives everything.
  Result<JoinGrant> let_in(const std::string& secret, JoinGrant asked) {
    if (secret.empty()) return not_authorized();
    if (const auto token = api::decode_token(secret); token.ok()) {
      if (auto granted = tokens_.redeem(token->secret)) return *std::move(granted);
      return Error(ErrorKind::kDenied,
                   "not authorized: the token was used or revoked, is too old, or of before the server's last start");
    }
    if (!TRY(password_.check(server_, secret))) return not_authorized();
    return asked;
  }

  Result<Reply> create_token(const Request& request, JoinGrant grant) {
    if (!request.access.full()) return not_authorized();
    if (grant.name.empty()) return Error(ErrorKind::kInvalid, "name: a token needs the name of the client it is for");
    if (!grant.restricted && !grant.projects.empty()) {
      return Error(ErrorKind::kInvalid, "projects: only for a restricted certificate");
    }
    const JoinTokens::Server here{https_.addresses(), https_.fingerprint()};
    if (here.addresses.empty()) {
      return Error(ErrorKind::kInvalid, "no client could use a token: set core.https_address first");
    }
    const auto config = server_.config();
    const auto expiry = config.find("core.remote_token_expiry");
    std::optional<manager::Timestamp> expires;
    if (expiry != config.end()) {
      expires = TRY(manager::expiry_time(expiry->first, expiry->second, std::chrono::system_clock::now()));
    }
    return operation_reply(server_.operations(), tokens_.create(grant, here, expires));
  }

  static std::string default_name(const Request& request) {
    const std::string& address = request.peer.address;
    return address.empty() ? "local" : address.substr(0, address.rfind(':'));
  }

  Result<Reply> change(const Request& request, const api::CertificatePatch& wanted) {
    const std::lock_guard lock(changing_);
    const manager::Certificate present = TRY(find(request));
    if (auto refused = check_if_match(request, representation_of(present))) return *std::move(refused);
    manager::Certificate next = present;
    next.name = wanted.name.value_or(present.name);
    if (wanted.type) next.type = TRY(manager::parse_certificate_type(*wanted.type));
    next.restricted = wanted.restricted.value_or(present.restricted);
    next.projects = wanted.projects.value_or(present.projects);
    if (!wanted.certificate.value_or("").empty()) {
      const std::string der = TRY(der_of(*wanted.certificate));
      next.pem = TRY(api::pem_of_der(der));
      next.fingerprint = api::fingerprint_of_der(der);
    }
    // Its owner may renew it, and nothing else.
    if (!request.access.full() && (next.name != present.name || next.type != present.type ||
                                   next.restricted != present.restricted || next.projects != present.projects)) {
      return not_authorized();
    }
    TRY(store_.update(present.fingerprint, next));
    announce(request, "certificate-updated", next);
    return empty_reply();
  }

  void announce(const Request& request, const char* action, const manager::Certificate& certificate) {
    server_.events().lifecycle({action, url_of(certificate), {}, requestor_of(request)}, kOfNoProject);
  }

  manager::Server& server_;
  manager::Certificates& store_;
  HttpsListener& https_;
  JoinTokens& tokens_;
  PasswordGuard password_;
  std::mutex changing_;  // nothing comes between If-Match and the change
};

}  // namespace

void add_certificate_routes(Router& router, manager::Server& server, HttpsListener& https, JoinTokens& tokens) {
  auto handlers = std::make_shared<CertificateHandlers>(server, https, tokens);
  const std::string all = "/1.0/certificates", one = all + "/{fingerprint}";
  router.add("GET", all, [handlers](const Request& request) { return handlers->list(request); });
  router.add("POST", all, [handlers](const Request& request) { return handlers->create(request); });
  router.add("GET", one, [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", one, [handlers](const Request& request) { return handlers->put(request); });
  router.add("PATCH", one, [handlers](const Request& request) { return handlers->patch(request); });
  router.add("DELETE", one, [handlers](const Request& request) { return handlers->remove(request); });
}

}  // namespace cella::daemon
