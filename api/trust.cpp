#include "api/trust.h"

#include "api/base64.h"
#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<Certificate> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("type", x.type);
    v("restricted", x.restricted);
    v("projects", x.projects);
    v("certificate", x.certificate);
    v("fingerprint", x.fingerprint);
  }
};
template <>
struct Members<CertificatePut> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("type", x.type);
    v("restricted", x.restricted);
    v("projects", x.projects);
    v("certificate", x.certificate);
  }
};
template <>
struct Members<CertificatePatch> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("type", x.type);
    v("restricted", x.restricted);
    v("projects", x.projects);
    v("certificate", x.certificate);
  }
};
template <>
struct Members<CertificateCreate> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("type", x.type);
    v("restricted", x.restricted);
    v("projects", x.projects);
    v("certificate", x.certificate);
    v("password", x.password);
    v("trust_token", x.trust_token);
    v("token", x.token);
  }
};
template <>
struct Members<JoinToken> {
  static void visit(auto& v, auto& x) {
    v("client_name", x.client_name);
    v("fingerprint", x.fingerprint);
    v("addresses", x.addresses);
    v("secret", x.secret);
    v("expires_at", x.expires_at);
  }
};
template <>
struct Members<TokenRequest> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("type", x.type);
    v("restricted", x.restricted);
    v("projects", x.projects);
    v("certificate", x.certificate);
    v("password", x.password);
    v("token", x.token);
  }
};
template <>
struct Members<TokenMetadata> {
  static void visit(auto& v, auto& x) {
    v("addresses", x.addresses);
    v("expiresAt", x.expires_at, Empty::kOmit);
    v("fingerprint", x.fingerprint);
    v("request", x.request);
    v("secret", x.secret);
  }
};

CELLA_API_CODEC(Certificate)
CELLA_API_CODEC(CertificatePut)
CELLA_API_CODEC(CertificatePatch)
CELLA_API_CODEC(CertificateCreate)
CELLA_API_CODEC(JoinToken)
CELLA_API_CODEC(TokenMetadata)

std::string encode_token(const JoinToken& token) { return base64_encode(encode(token)); }

Result<JoinToken> decode_token(std::string_view text) {
  JoinToken token = TRY_CONTEXT("token", decode<JoinToken>(TRY_CONTEXT("token", base64_decode(text))));
  if (token.secret.empty() || token.fingerprint.empty()) return Error(ErrorKind::kInvalid, "token: no secret in it");
  return token;
}

}  // namespace cella::api
