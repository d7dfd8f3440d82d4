// A certificate that this server trusts: values only.
#pragma once

#include <string>
#include <vector>

namespace cella::manager {

enum class CertificateType { kClient, kServer, kMetrics };
// "client", "server", "metrics"
const char* certificate_type_text(CertificateType type);

struct Certificate {
  std::string fingerprint;  // sha256 of the DER bytes, 64 hexadecimal digits
  std::string name;
  CertificateType type = CertificateType::kClient;
  // Its owner may use only these projects. Not restricted: everything.
  bool restricted = false;
  std::vector<std::string> projects;
  std::string pem;
};

}  // namespace cella::manager
