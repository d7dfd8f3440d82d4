// Which host ids a container's ids stand for: the value behind uid_map, gid_map and idmapped mounts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace cella {

// One line of /proc/PID/uid_map: `count` ids from `inside` (container) on stand for as many from `outside` (host) on.
struct IdRange {
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 0;
  bool operator==(const IdRange&) const = default;
};

// A valid map: ranges do not overlap on either side, none is empty or runs past 2^32 - 2, at most 340 lines
// (user_namespaces(7)). The same map serves users and groups unless both are given.
class IdMap {
 public:
  // Errors: kInvalid naming the range.
  static Result<IdMap> create(std::vector<IdRange> users, std::vector<IdRange> groups);
  // One range for users and groups alike: container ids 0..count-1 at `outside`.
  static Result<IdMap> isolated(std::uint32_t outside, std::uint32_t count = 65536);
  // Parses "0:1000000:65536[,...]" (inside:outside:count), for users and groups alike.
  static Result<IdMap> parse(std::string_view key, std::string_view text);

  const std::vector<IdRange>& users() const { return users_; }
  const std::vector<IdRange>& groups() const { return groups_; }

  // The text written to uid_map / gid_map: "inside outside count\n" per range.
  std::string users_text() const;
  std::string groups_text() const;

  // The host id behind a container id; nullopt when it is not mapped.
  std::optional<HostId> user_to_host(ContainerId user) const;
  std::optional<HostId> group_to_host(ContainerId group) const;

  bool operator==(const IdMap&) const = default;

 private:
  IdMap(std::vector<IdRange> users, std::vector<IdRange> groups)
      : users_(std::move(users)), groups_(std::move(groups)) {}
  std::vector<IdRange> users_;
  std::vector<IdRange> groups_;
};

}  // namespace cella
