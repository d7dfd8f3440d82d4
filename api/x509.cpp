#include "api/x509.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

#include "base/fd.h"
#include "base/files.h"

namespace cella::api {
namespace {

// More is no certificate that anybody uses; it bounds what a peer makes us parse.
constexpr std::size_t kMaxCertificateBytes = 64u << 10;
constexpr long kValidSeconds = 10L * 365 * 24 * 3600;

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* value) const {
    kFree(value);
  }
};
using CertificatePtr = std::unique_ptr<X509, Free<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Free<BIO_free_all>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, Free<BN_free>>;

Error crypto_error(const std::string& what) {
  char reason[160] = "unknown reason";
  if (const unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, reason, sizeof reason);
  ERR_clear_error();
  return Error(ErrorKind::kInternal, what + ": " + reason);
}

Error no_certificate() {
  ERR_clear_error();
  return Error(ErrorKind::kInvalid, "the text is no X.509 certificate");
}

BioPtr reader_of(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

std::string content_of(const BioPtr& bio) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return length > 0 ? std::string(data, static_cast<std::size_t>(length)) : std::string();
}

Result<CertificatePtr> parse_pem(std::string_view pem) {
  if (pem.size() > kMaxCertificateBytes) return no_certificate();
  const BioPtr bio = reader_of(pem);
  CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate) return no_certificate();
  return certificate;
}

Result<CertificatePtr> parse_der(std::string_view der) {
  if (der.empty() || der.size() > kMaxCertificateBytes) return no_certificate();
  // SAFETY: DER is bytes; OpenSSL reads them as unsigned ones.
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  CertificatePtr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate || at != end) return no_certificate();
  return certificate;
}

Result<std::string> encode_der(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int length = i2d_X509(certificate, &bytes);
  if (length < 0) return crypto_error("encode a certificate");
  // SAFETY: as above.
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
  OPENSSL_free(bytes);
  return der;
}

Result<std::string> encode_pem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return crypto_error("encode a certificate");
  return content_of(bio);
}

bool add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  const NumberPtr number(BN_new());
  return number != nullptr && BN_rand(number.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_name(X509* certificate, const std::string& common_name) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto add = [&](const char* field, const std::string& value) {
    // SAFETY: text as the unsigned bytes that OpenSSL takes.
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  return add("O", "cella") && add("CN", common_name.substr(0, 64)) && X509_set_issuer_name(certificate, name) == 1;
}

bool fill(X509* certificate, EVP_PKEY* key, const std::string& common_name, KeyPairUse use) {
  const bool server = use == KeyPairUse::kServer;
  if (X509_set_version(certificate, X509_VERSION_3) != 1 || !set_serial(certificate) ||
      !set_name(certificate, common_name) || X509_gmtime_adj(X509_getm_notBefore(certificate), -60) == nullptr ||
      X509_gmtime_adj(X509_getm_notAfter(certificate), kValidSeconds) == nullptr ||
      X509_set_pubkey(certificate, key) != 1 ||
      !add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(certificate, NID_key_usage, "critical,digitalSignature,keyEncipherment") ||
      !add_extension(certificate, NID_ext_key_usage, server ? "serverAuth" : "clientAuth")) {
    return false;
  }
  return !server || add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
}

// The key belongs to the certificate.
Result<void> check_pair(const KeyPair& pair) {
  const CertificatePtr certificate = TRY(parse_pem(pair.certificate));
  const BioPtr bio = reader_of(pair.key);
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!key || X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return Error(ErrorKind::kInvalid, "the private key does not belong to the certificate");
  }
  return kOk;
}

// The key first and the certificate as a whole: a certificate that is there has its key.
Result<void> write_pair(const KeyPair& pair, const std::string& certificate_path, const std::string& key_path) {
  const Fd key = TRY(open_path(key_path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  TRY(write_all(key, pair.key));
  TRY(sync_fd(key, key_path));
  const std::size_t slash = certificate_path.rfind('/');
  const Fd directory = TRY(open_path(certificate_path.substr(0, slash), O_RDONLY | O_DIRECTORY));
  return replace_file_at(directory, certificate_path.substr(slash + 1), pair.certificate, 0644);
}

}  // namespace

Result<KeyPair> generate_key_pair(const std::string& common_name, KeyPairUse use) {
  const KeyPtr key(EVP_EC_gen("P-384"));
  if (!key) return crypto_error("make an EC key");
  const CertificatePtr certificate(X509_new());
  if (!certificate || !fill(certificate.get(), key.get(), common_name, use)) return crypto_error("make a certificate");
  if (X509_sign(certificate.get(), key.get(), EVP_sha384()) == 0) return crypto_error("sign a certificate");
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return crypto_error("encode a private key");
  }
  return KeyPair{TRY(encode_pem(certificate.get())), content_of(bio)};
}

Result<KeyPair> load_or_make_key_pair(const std::string& certificate_path, const std::string& key_path,
                                      const std::string& common_name, KeyPairUse use) {
  if (!path_exists(certificate_path)) {
    TRY(write_pair(TRY(generate_key_pair(common_name, use)), certificate_path, key_path));
  }
  KeyPair pair{TRY(read_file(certificate_path)), TRY(read_file(key_path))};
  TRY_CONTEXT(certificate_path, check_pair(pair));
  return pair;
}

Result<std::string> der_of_pem(std::string_view pem) { return encode_der(TRY(parse_pem(pem)).get()); }
Result<std::string> pem_of_der(std::string_view der) { return encode_pem(TRY(parse_der(der)).get()); }

std::string fingerprint_of_der(std::string_view der) {
  static constexpr char kHex[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  std::string out;
  if (EVP_Digest(der.data(), der.size(), digest, &length, EVP_sha256(), nullptr) != 1) return out;
  for (unsigned i = 0; i < length; ++i) {
    out += kHex[digest[i] >> 4];
    out += kHex[digest[i] & 15];
  }
  return out;
}

Result<std::string> fingerprint_of_pem(std::string_view pem) { return fingerprint_of_der(TRY(der_of_pem(pem))); }

Result<std::string> common_name_of_pem(std::string_view pem) {
  const CertificatePtr certificate = TRY(parse_pem(pem));
  char name[128] = "";
  const int length =
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name, sizeof name);
  return length < 0 ? std::string() : std::string(name);
}

namespace {

std::string text_of(const ASN1_TIME* time) {
  std::tm parts{};
  char text[64] = "";
  if (ASN1_TIME_to_tm(time, &parts) == 1) std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

Result<CertificateDates> dates_of_pem(std::string_view pem) {
  const CertificatePtr certificate = TRY(parse_pem(pem));
  return CertificateDates{text_of(X509_get0_notBefore(certificate.get())),
                          text_of(X509_get0_notAfter(certificate.get()))};
}

Result<bool> is_valid_now(std::string_view der) {
  const CertificatePtr certificate = TRY(parse_der(der));
  return X509_cmp_current_time(X509_get0_notBefore(certificate.get())) < 0 &&
         X509_cmp_current_time(X509_get0_notAfter(certificate.get())) > 0;
}

}  // namespace cella::api
