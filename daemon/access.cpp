#include "daemon/access.h"

#include <algorithm>
#include <array>

#include "api/codec.h"
#include "api/x509.h"

namespace cella::daemon {
namespace {

using Level = Access::Level;

Error not_authorized() { return Error(ErrorKind::kDenied, "not authorized"); }

// The parts of a path; empty ones are dropped.
std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0) parts.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

Access access_of(const Peer& peer, const manager::Certificates& certificates) {
  Access access;
  if (peer.certificate.empty()) return access;
  const std::string fingerprint = api::fingerprint_of_der(peer.certificate);
  const auto trusted = certificates.trusted(fingerprint);
  const auto valid = api::is_valid_now(peer.certificate);
  if (!trusted || !valid.ok() || !*valid) return access;
  access.fingerprint = fingerprint;
  switch (trusted->type) {
    case manager::CertificateType::kMetrics:
      access.level = Level::kMetrics;
      break;
    case manager::CertificateType::kClient:
    case manager::CertificateType::kServer:
      access.level = trusted->restricted ? Level::kRestricted : Level::kFull;
      access.projects = trusted->projects;
      break;
  }
  return access;
}

bool reads(const Request& request) { return request.method == "GET" || request.method == "HEAD"; }

bool stranger_may(const Request& request, const std::vector<std::string_view>& parts) {
  const auto is = [&](std::size_t at, std::string_view text) { return parts.size() > at && parts[at] == text; };
  if (parts.empty()) return reads(request);
  if (parts.size() == 1) return reads(request);  // /1.0
  if (is(1, "certificates") && parts.size() == 2) return request.method == "POST";
  // An upload that was announced; the handler looks at the secret.
  if (is(1, "images") && parts.size() == 2 && request.method == "POST") return !request.header("X-LXD-secret").empty();
  if (!reads(request)) return false;
  if (is(1, "images")) {
    return parts.size() <= 3 || (parts.size() == 4 && (is(3, "export") || is(2, "aliases")));
  }
  return is(1, "operations") && parts.size() == 4 && is(3, "websocket") && !request.query_value("secret").empty();
}

// Collections whose members all belong to a project; the query says to which.
constexpr std::array<std::string_view, 6> kOfProject{"instances", "containers", "virtual-machines",
                                                     "images",    "profiles",   "events"};

Result<void> check_operation(const Request& request, const std::vector<std::string_view>& parts,
                             const manager::Operations& operations) {
  if (parts.size() < 3) return kOk;  // the list is filtered
  if (parts.size() == 4 && parts[3] == "websocket" && !request.query_value("secret").empty()) return kOk;
  const auto record = operations.find(std::string(parts[2]));
  if (!record.ok() || !request.access.may_use(record->project)) return not_authorized();
  return kOk;
}

Result<void> check_restricted(const Request& request, const std::vector<std::string_view>& parts,
                              const manager::Operations& operations) {
  const std::string_view all = request.query_value("all-projects");
  if (!all.empty() && all != "false" && all != "0") return not_authorized();
  if (parts.size() < 2) return reads(request) ? Result<void>(kOk) : not_authorized();
  const std::string_view noun = parts[1];
  if (noun == "operations") return check_operation(request, parts, operations);
  if (noun == "certificates") {
    // Its own only; the handlers see to it.
    return parts.size() == 2 && !reads(request) ? not_authorized() : Result<void>(kOk);
  }
  if (noun == "projects") {
    const bool own = parts.size() == 2 || request.access.may_use(parts[2]);
    return reads(request) && own ? Result<void>(kOk) : not_authorized();
  }
  const std::string_view named = request.query_value("project");
  const bool in_project = request.access.may_use(named.empty() ? "default" : named);
  const bool of_project = std::find(kOfProject.begin(), kOfProject.end(), noun) != kOfProject.end() ||
                          (noun == "storage-pools" && parts.size() >= 4 && parts[3] == "volumes");
  if (of_project) return in_project ? Result<void>(kOk) : not_authorized();
  const bool shared = noun == "networks" || noun == "storage-pools" || noun == "resources" || noun == "cluster";
  return shared && in_project && reads(request) ? Result<void>(kOk) : not_authorized();
}

}  // namespace

Result<void> authorize(Request& request, const manager::Certificates& certificates,
                       const manager::Operations& operations) {
  request.access = access_of(request.peer, certificates);
  if (request.access.full()) return kOk;
  const auto parts = parts_of(request.path);
  if (!parts.empty() && parts[0] != "1.0") return not_authorized();
  // An escaped slash or letter must not make two readers see two paths; only names hold them, behind the third part.
  for (std::size_t i = 0; i < parts.size() && i < 2; ++i) {
    if (parts[i].find('%') != std::string_view::npos) return not_authorized();
  }
  if (request.access.level == Level::kRestricted) return check_restricted(request, parts, operations);
  if (stranger_may(request, parts)) return kOk;
  const bool metrics = parts.size() == 2 && parts[1] == "metrics" && reads(request);
  return metrics && request.access.level == Level::kMetrics ? Result<void>(kOk) : not_authorized();
}

Result<void> check_body(const Request& request, std::string_view body) {
  if (request.access.level != Level::kRestricted || body.empty()) return kOk;
  const std::string source = api::member_text(body, "source");
  for (const std::string& text :
       {api::member_text(body, "project"), source.empty() ? source : api::member_text(source, "project")}) {
    if (text.empty() || text == "\"\"") continue;
    const auto names = api::decode_strings("[" + text + "]");
    if (!names.ok() || names->size() != 1 || !request.access.may_use(names->front())) return not_authorized();
  }
  return kOk;
}

Result<std::string> read_json(const Request& request, BodyReader& reader, std::size_t limit) {
  std::string text = TRY(read_all(reader, limit));
  TRY(check_body(request, text));
  return text;
}

}  // namespace cella::daemon
