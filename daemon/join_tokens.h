// Tokens that let one client each into the trust store. Each is an operation until it is used, cancelled or too old.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "manager/certificate.h"
#include "manager/operations.h"

namespace cella::daemon {

// What the holder of a token gets.
struct JoinGrant {
  std::string name;
  manager::CertificateType type = manager::CertificateType::kClient;
  bool restricted = false;
  std::vector<std::string> projects;
};

// Thread-safe. operations outlives it.
class JoinTokens {
 public:
  explicit JoinTokens(manager::Operations& operations);
  ~JoinTokens();
  JoinTokens(const JoinTokens&) = delete;
  JoinTokens& operator=(const JoinTokens&) = delete;

  // Where clients find this server and how they recognise it: part of the token.
  struct Server {
    std::vector<std::string> addresses;
    std::string fingerprint;
  };
  // expires: nullopt for never.
  manager::OperationId create(const JoinGrant& grant, const Server& server, std::optional<manager::Timestamp> expires);
  // The grant of the token with this secret, which is then used up; nullopt: there is none.
  std::optional<JoinGrant> redeem(std::string_view secret);
  // Ends the operations of tokens that are too old.
  void expire(manager::Timestamp now);

 private:
  struct Token;
  manager::Operations& operations_;
  std::mutex mutex_;
  std::list<std::unique_ptr<Token>> tokens_;
};

}  // namespace cella::daemon
