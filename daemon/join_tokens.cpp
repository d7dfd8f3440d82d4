#include "daemon/join_tokens.h"

#include <openssl/crypto.h>

#include <functional>
#include <stop_token>

#include "daemon/socket_operations.h"
#include "daemon/wire.h"

namespace cella::daemon {

struct JoinTokens::Token {
  Token(JoinGrant given, std::string text, std::optional<manager::Timestamp> until, manager::OperationHandle handle)
      : grant(std::move(given)),
        secret(std::move(text)),
        expires(until),
        operation(std::move(handle)),
        on_cancel(operation.stop_token(),
                  [handle = operation] { handle.finish(Error(ErrorKind::kCancelled, "the token was revoked")); }) {}

  bool over() const { return operation.record().finished(); }
  bool too_old(manager::Timestamp now) const { return expires && *expires <= now; }

  JoinGrant grant;
  std::string secret;
  std::optional<manager::Timestamp> expires;
  manager::OperationHandle operation;
  std::stop_callback<std::function<void()>> on_cancel;
};

JoinTokens::JoinTokens(manager::Operations& operations) : operations_(operations) {}

JoinTokens::~JoinTokens() {
  for (const auto& token : tokens_) token->operation.finish(Error(ErrorKind::kCancelled, "the daemon stops"));
}

namespace {

manager::Value list_of(const std::vector<std::string>& texts) {
  manager::Value::List out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

}  // namespace

manager::OperationId JoinTokens::create(const JoinGrant& grant, const Server& server,
                                        std::optional<manager::Timestamp> expires) {
  const std::string secret = make_secrets({"secret"}).at("secret");
  manager::OperationRequest request;
  request.description = "Executing operation";
  request.operation_class = manager::OperationClass::kToken;
  request.may_cancel = true;
  request.project.clear();  // its secret is for those who may do everything
  request.metadata["secret"] = secret;
  request.metadata["fingerprint"] = server.fingerprint;
  request.metadata["addresses"] = list_of(server.addresses);
  request.metadata["expiresAt"] = time_to_wire(expires);
  request.metadata["request"] = manager::Value::Object{{"name", grant.name},
                                                       {"type", certificate_type_text(grant.type)},
                                                       {"restricted", grant.restricted},
                                                       {"projects", list_of(grant.projects)},
                                                       {"certificate", ""},
                                                       {"password", ""},
                                                       {"token", true}};
  const manager::OperationHandle handle = operations_.begin(std::move(request));
  const std::lock_guard lock(mutex_);
  tokens_.push_back(std::make_unique<Token>(grant, secret, expires, handle));
  return handle.id();
}

std::optional<JoinGrant> JoinTokens::redeem(std::string_view secret) {
  const auto now = std::chrono::system_clock::now();
  std::unique_ptr<Token> found;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = tokens_.begin(); it != tokens_.end(); ++it) {
      const std::string& mine = (*it)->secret;
      if (mine.size() != secret.size() || CRYPTO_memcmp(mine.data(), secret.data(), mine.size()) != 0) continue;
      found = std::move(*it);
      tokens_.erase(it);
      break;
    }
  }
  if (!found || found->over()) return std::nullopt;
  if (found->too_old(now)) {
    found->operation.finish(Error(ErrorKind::kCancelled, "the token is too old"));
    return std::nullopt;
  }
  found->operation.finish(kOk);
  return found->grant;
}

void JoinTokens::expire(manager::Timestamp now) {
  std::list<std::unique_ptr<Token>> ended;  // destroyed without the lock: a callback may run
  const std::lock_guard lock(mutex_);
  for (auto it = tokens_.begin(); it != tokens_.end();) {
    const auto next = std::next(it);
    if ((*it)->over() || (*it)->too_old(now)) ended.splice(ended.end(), tokens_, it);
    it = next;
  }
  for (const auto& token : ended) token->operation.finish(Error(ErrorKind::kCancelled, "the token is too old"));
}

}  // namespace cella::daemon
