// The trust store: whose certificates may use the API over the network.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/certificate.h"

namespace cella::manager {

class Database;
struct Schema;

const Schema& certificate_schema();

// Errors: kInvalid naming the text.
Result<CertificateType> parse_certificate_type(const std::string& text);

// In memory and in the database. Thread-safe. Outlived by the database.
class Certificates {
 public:
  static Result<std::unique_ptr<Certificates>> load(Database& database);

  std::vector<Certificate> list() const;  // by fingerprint
  // key: a full fingerprint or an unambiguous prefix. Errors: kNotFound; kInvalid when several fit.
  Result<Certificate> find(const std::string& key) const;
  // By the whole fingerprint; for deciding about a connection.
  std::optional<Certificate> trusted(const std::string& fingerprint) const;

  // Errors: kInvalid when it is there already ("Certificate already in trust store"), for a bad name, and for projects
  // of a certificate that is not restricted.
  Result<void> add(const Certificate& certificate);
  // Replaces all of it; a changed fingerprint renews the certificate. Errors: kNotFound; as add().
  Result<void> update(const std::string& fingerprint, const Certificate& certificate);
  Result<void> remove(const std::string& fingerprint);
  // Restricted certificates follow their projects: to the new name, or to nothing when `to` is empty.
  Result<void> project_renamed(const std::string& from, const std::string& to);

 private:
  explicit Certificates(Database& database) : database_(database) {}
  Result<void> store_locked(const std::string& replaced, const Certificate* certificate);

  Database& database_;
  mutable std::mutex mutex_;
  std::map<std::string, Certificate> by_fingerprint_;
};

}  // namespace cella::manager
