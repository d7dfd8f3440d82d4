// /internal/recover/validate and import, as LXD's `lxd recover` calls them, and …/pools, which finds lost pools.
#include <mutex>

#include "api/codec.h"
#include "api/recover.h"
#include "daemon/handlers.h"
#include "manager/host_recovery.h"
#include "manager/server.h"

namespace cella::daemon {
namespace {

std::vector<manager::PoolCreate> pools_from_wire(const api::RecoverPost& post) {
  std::vector<manager::PoolCreate> pools;
  for (const api::RecoverPool& pool : post.pools)
    pools.push_back({.name = pool.name, .driver = pool.driver, .description = pool.description, .config = pool.config});
  return pools;
}

api::RecoverFindings to_wire(const manager::LostVolumes& lost) {
  api::RecoverFindings findings;
  for (const auto& volume : lost.volumes)
    findings.volumes.push_back(
        {volume.name, volume.type, static_cast<std::int64_t>(volume.snapshots), volume.project, volume.pool});
  findings.obstacles = lost.obstacles;
  return findings;
}

class RecoverHandlers {
 public:
  explicit RecoverHandlers(manager::HostRecovery& recovery) : recovery_(recovery) {}

  Result<Reply> pools() {
    const std::lock_guard lock(one_at_a_time_);
    std::vector<api::RecoverPool> found;
    for (const auto& pool : TRY(recovery_.lost_pools()))
      found.push_back({pool.name, pool.driver, pool.description, pool.config});
    return sync_reply(api::encode_list(found));
  }

  Result<Reply> validate(const Request& request) {
    const auto post = TRY(api::decode<api::RecoverPost>(request.body));
    const std::lock_guard lock(one_at_a_time_);
    return sync_reply(api::encode(to_wire(TRY(recovery_.look(pools_from_wire(post))))));
  }

  Result<Reply> import(const Request& request) {
    const auto post = TRY(api::decode<api::RecoverPost>(request.body));
    const std::lock_guard lock(one_at_a_time_);
    TRY(recovery_.take_back(pools_from_wire(post)));
    return empty_reply();
  }

 private:
  manager::HostRecovery& recovery_;
  std::mutex one_at_a_time_;
};

}  // namespace

void add_recover_routes(Router& router, manager::Server& server) {
  auto handlers = std::make_shared<RecoverHandlers>(server.host_recovery());
  router.add("GET", "/internal/recover/pools", [handlers](const Request&) { return handlers->pools(); });
  router.add("POST", "/internal/recover/validate", [handlers](const Request& r) { return handlers->validate(r); });
  router.add("POST", "/internal/recover/import", [handlers](const Request& r) { return handlers->import(r); });
}

}  // namespace cella::daemon
