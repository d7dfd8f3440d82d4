// X.509 certificates as remotes use them: self-signed, recognised by the digest of the whole certificate.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::api {

// Private key and certificate, both PEM.
struct KeyPair {
  std::string certificate;
  std::string key;
};

enum class KeyPairUse { kServer, kClient };

// A new EC P-384 key and a certificate for it, valid for ten years. common_name and, for servers, the DNS name and
// loopback addresses are put into it for other tools' sake: here only the digest counts.
Result<KeyPair> generate_key_pair(const std::string& common_name, KeyPairUse use);

// Reads the pair from two files (absolute paths), both made when the certificate is not there: the key 0600, the
// certificate 0644. Errors: kNotFound for a certificate without its key; kInvalid when they do not belong together.
Result<KeyPair> load_or_make_key_pair(const std::string& certificate_path, const std::string& key_path,
                                      const std::string& common_name, KeyPairUse use);

// The DER bytes of the first certificate in a PEM text. Errors: kInvalid.
Result<std::string> der_of_pem(std::string_view pem);
// Errors: kInvalid when the bytes are no certificate.
Result<std::string> pem_of_der(std::string_view der);
// The sha256 of the DER bytes in hexadecimal: the certificate's fingerprint.
std::string fingerprint_of_der(std::string_view der);
Result<std::string> fingerprint_of_pem(std::string_view pem);
// The certificate's common name; "" when it has none. Errors: kInvalid.
Result<std::string> common_name_of_pem(std::string_view pem);
// From when to when it is valid, RFC 3339. Errors: kInvalid.
struct CertificateDates {
  std::string from;
  std::string until;
};
Result<CertificateDates> dates_of_pem(std::string_view pem);
// Now is between the certificate's dates. Errors: kInvalid.
Result<bool> is_valid_now(std::string_view der);

}  // namespace cella::api
