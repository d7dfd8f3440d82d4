// /1.0/certificates, and the tokens by which clients are let in.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/values.h"
#include "base/result.h"

namespace cella::api {

struct Certificate {
  std::string name;
  std::string type;  // "client", "server", "metrics"
  bool restricted = false;
  std::vector<std::string> projects;
  std::string certificate;  // PEM
  std::string fingerprint;
};

// PUT; PATCH with absent members.
struct CertificatePut {
  std::string name;
  std::string type;
  bool restricted = false;
  std::vector<std::string> projects;
  std::string certificate;
};
struct CertificatePatch {
  std::optional<std::string> name;
  std::optional<std::string> type;
  std::optional<bool> restricted;
  std::optional<std::vector<std::string>> projects;
  std::optional<std::string> certificate;
};

// POST /1.0/certificates.
struct CertificateCreate {
  std::string name;
  std::string type;
  bool restricted = false;
  std::vector<std::string> projects;
  std::string certificate;  // base64 of DER, or PEM; empty: the one the client presents
  std::string password;     // the server's password, or a token
  std::string trust_token;  // a token, from newer clients
  bool token = false;       // asks for a token
};

// What a token's text holds: base64 of this as JSON.
struct JoinToken {
  std::string client_name;
  std::string fingerprint;  // of the server's certificate
  std::vector<std::string> addresses;
  std::string secret;
  std::string expires_at;  // RFC 3339; the year 1 for never
};

// The metadata of a token operation. expires_at is left out when empty.
struct TokenRequest {
  std::string name;
  std::string type;
  bool restricted = false;
  std::vector<std::string> projects;
  std::string certificate;
  std::string password;
  bool token = true;
};
struct TokenMetadata {
  std::vector<std::string> addresses;
  std::string expires_at;  // wire: "expiresAt"
  std::string fingerprint;
  TokenRequest request;
  std::string secret;
};

std::string encode_token(const JoinToken& token);
// Errors: kInvalid when the text is no token.
Result<JoinToken> decode_token(std::string_view text);

}  // namespace cella::api
