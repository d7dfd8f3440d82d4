#include "manager/certificates.h"

#include <algorithm>

#include "manager/database.h"

namespace cella::manager {
namespace {

constexpr Migration kMigrations[] = {{1, R"(
CREATE TABLE certificates (
  fingerprint TEXT PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, restricted INTEGER NOT NULL, pem TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE certificate_projects (
  fingerprint TEXT NOT NULL REFERENCES certificates (fingerprint) ON DELETE CASCADE, project TEXT NOT NULL,
  PRIMARY KEY (fingerprint, project)
) WITHOUT ROWID;
)"}};

Result<void> check(const Certificate& certificate) {
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (certificate.name.empty() || certificate.name.size() > 255 ||
      std::any_of(certificate.name.begin(), certificate.name.end(), control)) {
    return invalid_value("name", certificate.name, "must be 1 to 255 printable characters");
  }
  if (!certificate.restricted && !certificate.projects.empty()) {
    return Error(ErrorKind::kInvalid, "projects: only for a restricted certificate");
  }
  for (const std::string& project : certificate.projects) {
    if (project.empty() || std::any_of(project.begin(), project.end(), control)) {
      return invalid_value("projects", project, "is no project's name");
    }
  }
  return kOk;
}

}  // namespace

const char* certificate_type_text(CertificateType type) {
  switch (type) {
    case CertificateType::kClient:
      return "client";
    case CertificateType::kServer:
      return "server";
    case CertificateType::kMetrics:
      return "metrics";
  }
  return "";
}

Result<CertificateType> parse_certificate_type(const std::string& text) {
  for (const auto type : {CertificateType::kClient, CertificateType::kServer, CertificateType::kMetrics}) {
    if (text == certificate_type_text(type)) return type;
  }
  return invalid_value("type", text, "expected client, server or metrics");
}

const Schema& certificate_schema() {
  static const Schema schema{"certificates", kMigrations};
  return schema;
}

Result<std::unique_ptr<Certificates>> Certificates::load(Database& database) {
  std::unique_ptr<Certificates> out(new Certificates(database));
  {
    auto query = TRY(database.prepare("SELECT fingerprint, name, type, restricted, pem FROM certificates"));
    while (TRY(query.step())) {
      Certificate certificate;
      certificate.fingerprint = query.text(0);
      certificate.name = query.text(1);
      certificate.type = TRY_CONTEXT("certificate " + certificate.fingerprint, parse_certificate_type(query.text(2)));
      certificate.restricted = query.truth(3);
      certificate.pem = query.text(4);
      out->by_fingerprint_[certificate.fingerprint] = certificate;
    }
  }
  auto query = TRY(database.prepare("SELECT fingerprint, project FROM certificate_projects ORDER BY project"));
  while (TRY(query.step())) out->by_fingerprint_[query.text(0)].projects.push_back(query.text(1));
  return out;
}

std::vector<Certificate> Certificates::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Certificate> out;
  for (const auto& [fingerprint, certificate] : by_fingerprint_) out.push_back(certificate);
  return out;
}

Result<Certificate> Certificates::find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto first = by_fingerprint_.lower_bound(key);
  if (key.empty() || first == by_fingerprint_.end() || !first->first.starts_with(key)) {
    return Error(ErrorKind::kNotFound, "Certificate not found");
  }
  const auto next = std::next(first);
  if (first->first != key && next != by_fingerprint_.end() && next->first.starts_with(key)) {
    return invalid_value("fingerprint", key, "several certificates begin with it");
  }
  return first->second;
}

std::optional<Certificate> Certificates::trusted(const std::string& fingerprint) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_fingerprint_.find(fingerprint);
  return found == by_fingerprint_.end() ? std::nullopt : std::optional(found->second);
}

Result<void> Certificates::add(const Certificate& certificate) {
  TRY(check(certificate));
  const std::lock_guard lock(mutex_);
  if (by_fingerprint_.contains(certificate.fingerprint)) {
    return Error(ErrorKind::kInvalid, "Certificate already in trust store");
  }
  return store_locked(std::string(), &certificate);
}

Result<void> Certificates::update(const std::string& fingerprint, const Certificate& certificate) {
  TRY(check(certificate));
  const std::lock_guard lock(mutex_);
  if (!by_fingerprint_.contains(fingerprint)) return Error(ErrorKind::kNotFound, "Certificate not found");
  if (certificate.fingerprint != fingerprint && by_fingerprint_.contains(certificate.fingerprint)) {
    return Error(ErrorKind::kInvalid, "Certificate already in trust store");
  }
  return store_locked(fingerprint, &certificate);
}

Result<void> Certificates::remove(const std::string& fingerprint) {
  const std::lock_guard lock(mutex_);
  if (!by_fingerprint_.contains(fingerprint)) return Error(ErrorKind::kNotFound, "Certificate not found");
  return store_locked(fingerprint, nullptr);
}

Result<void> Certificates::project_renamed(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  std::vector<Certificate> changed;
  for (const auto& [fingerprint, certificate] : by_fingerprint_) {
    const auto& projects = certificate.projects;
    if (std::find(projects.begin(), projects.end(), from) != projects.end()) changed.push_back(certificate);
  }
  for (Certificate& certificate : changed) {
    std::erase(certificate.projects, from);
    if (!to.empty()) certificate.projects.push_back(to);
    TRY(store_locked(certificate.fingerprint, &certificate));
  }
  return kOk;
}

// replaced: fingerprint of the record that goes; empty: none.
Result<void> Certificates::store_locked(const std::string& replaced, const Certificate* certificate) {
  auto transaction = TRY(database_.begin());
  {
    auto erase = TRY(database_.prepare("DELETE FROM certificates WHERE fingerprint = ?"));
    TRY(erase.bind(replaced).run());
  }
  if (certificate != nullptr) {
    auto insert = TRY(database_.prepare(
        "INSERT INTO certificates (fingerprint, name, type, restricted, pem) VALUES (?, ?, ?, ?, ?)"));
    TRY(insert
            .bind(certificate->fingerprint, certificate->name, certificate_type_text(certificate->type),
                  certificate->restricted, certificate->pem)
            .run());
    auto project =
        TRY(database_.prepare("INSERT OR IGNORE INTO certificate_projects (fingerprint, project) VALUES (?, ?)"));
    for (const std::string& name : certificate->projects) TRY(project.bind(certificate->fingerprint, name).run());
  }
  TRY(transaction.commit());
  by_fingerprint_.erase(replaced);
  if (certificate != nullptr) by_fingerprint_[certificate->fingerprint] = *certificate;
  return kOk;
}

}  // namespace cella::manager
