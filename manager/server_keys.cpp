#include "manager/server_keys.h"

#include <array>
#include <string>

#include "base/units.h"
#include "manager/image_policy.h"
#include "manager/value_checks.h"

namespace cella::manager {
namespace {

using View = std::string_view;

Result<void> check_image(View key, View value) {
  TRY(check_image_key(std::string(key), std::string(value)));
  return kOk;
}

constexpr View kNoCluster = "this server is not part of a cluster";
constexpr View kNoOrigins = "web pages of other origins are not served";
constexpr View kProxyEnvironment = "set http_proxy, https_proxy and no_proxy in the daemon's environment";
constexpr View kCertificates = "clients are trusted by their certificates";
constexpr View kPools = "images, backups and logs are kept in the state directory";

// Source of names: LXD 5.0 doc/server.md. Addresses are checked where they are bound.
constexpr std::array kRules{
    ServerKeyRule{"core.https_address"},
    ServerKeyRule{"core.metrics_address"},
    ServerKeyRule{"core.metrics_authentication", check_bool},
    ServerKeyRule{"core.remote_token_expiry", check_expiry},
    ServerKeyRule{"core.trust_password"},
    ServerKeyRule{"core.auth_secret_expiry", nullptr, kNoCluster},
    ServerKeyRule{"core.bgp_address", nullptr, "routes are not announced by BGP"},
    ServerKeyRule{"core.bgp_asn", nullptr, "routes are not announced by BGP"},
    ServerKeyRule{"core.bgp_routerid", nullptr, "routes are not announced by BGP"},
    ServerKeyRule{"core.debug_address", nullptr, "there is no profiling server"},
    ServerKeyRule{"core.dns_address", nullptr, "there is no DNS server but that of the bridges"},
    ServerKeyRule{"core.https_allowed_credentials", nullptr, kNoOrigins},
    ServerKeyRule{"core.https_allowed_headers", nullptr, kNoOrigins},
    ServerKeyRule{"core.https_allowed_methods", nullptr, kNoOrigins},
    ServerKeyRule{"core.https_allowed_origin", nullptr, kNoOrigins},
    ServerKeyRule{"core.https_trusted_proxy", nullptr, "the PROXY protocol is not spoken"},
    ServerKeyRule{"core.proxy_http", nullptr, kProxyEnvironment},
    ServerKeyRule{"core.proxy_https", nullptr, kProxyEnvironment},
    ServerKeyRule{"core.proxy_ignore_hosts", nullptr, kProxyEnvironment},
    ServerKeyRule{"core.shutdown_timeout", nullptr, "a stopping daemon ends its operations at once; instances go on"},
    ServerKeyRule{"core.storage_buckets_address", nullptr, "there are no storage buckets"},
    ServerKeyRule{"core.syslog_socket", nullptr, "there is no syslog socket"},
    ServerKeyRule{"core.trust_ca_certificates", nullptr, "clients are trusted one by one"},
    ServerKeyRule{"backups.compression_algorithm", check_compression},
    ServerKeyRule{"images.auto_update_cached", check_image},
    ServerKeyRule{"images.auto_update_interval", check_image},
    ServerKeyRule{"images.compression_algorithm", check_compression},
    ServerKeyRule{"images.remote_cache_expiry", check_image},
    ServerKeyRule{"images.default_architecture", nullptr, kNoCluster},
    ServerKeyRule{"acme.*", nullptr, "certificates are not fetched by ACME"},
    ServerKeyRule{"authorization.*", nullptr, kCertificates},
    ServerKeyRule{"candid.*", nullptr, kCertificates},
    ServerKeyRule{"cluster.*", nullptr, kNoCluster},
    ServerKeyRule{"instances.lxcfs.per_instance", nullptr, "lxcfs is the host's"},
    ServerKeyRule{"instances.migration.stateful", nullptr, "live migration is not implemented"},
    ServerKeyRule{"instances.nic.host_name", nullptr, "names of host interfaces are random"},
    ServerKeyRule{"instances.placement.scriptlet", nullptr, kNoCluster},
    ServerKeyRule{"loki.*", nullptr, "logs are not sent to Loki"},
    ServerKeyRule{"maas.*", nullptr, "MAAS is not supported"},
    ServerKeyRule{"network.*", nullptr, "there are no OVN networks"},
    ServerKeyRule{"oidc.*", nullptr, kCertificates},
    ServerKeyRule{"rbac.*", nullptr, kCertificates},
    ServerKeyRule{"storage.backups_volume", nullptr, kPools},
    ServerKeyRule{"storage.images_volume", nullptr, kPools},
    ServerKeyRule{"storage.logs_volume", nullptr, kPools},
    ServerKeyRule{"storage.linstor.*", nullptr, "there is no LINSTOR driver"},
    ServerKeyRule{"storage.project.*", nullptr, kPools},
    ServerKeyRule{"user.*"},
    ServerKeyRule{"volatile.*", nullptr, "it is not for clients to set"},
};

bool matches(const ServerKeyRule& rule, View key) {
  if (!rule.name.ends_with('*')) return rule.name == key;
  const View prefix = rule.name.substr(0, rule.name.size() - 1);
  return key.size() > prefix.size() && key.starts_with(prefix);
}

}  // namespace

std::span<const ServerKeyRule> server_key_rules() { return kRules; }

Result<void> check_server_key(View key, View value) {
  for (const ServerKeyRule& rule : kRules) {
    if (!matches(rule, key)) continue;
    if (!rule.refused.empty()) {
      return Error(ErrorKind::kUnsupported,
                   "server key " + std::string(key) + " is not supported: " + std::string(rule.refused));
    }
    if (rule.check != nullptr && !value.empty()) TRY(rule.check(key, value));
    return kOk;
  }
  return Error(ErrorKind::kInvalid, "unknown server configuration key: " + std::string(key));
}

}  // namespace cella::manager
