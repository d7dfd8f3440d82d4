// Who uses what: the "used_by" lists of pools and networks.
#pragma once

#include <string>
#include <vector>

namespace cella::manager {

class InstanceSet;
class Profiles;

// URLs of instances ("/1.0/instances/c1") and profiles, sorted within each kind.
std::vector<std::string> users_of_pool(const InstanceSet& set, const Profiles& profiles, const std::string& pool);
std::vector<std::string> users_of_network(const InstanceSet& set, const Profiles& profiles,
                                          const std::string& network);

// Names of the host's ends of running instances' NICs.
std::vector<std::string> live_host_names(const InstanceSet& set);

}  // namespace cella::manager
