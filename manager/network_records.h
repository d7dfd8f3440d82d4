// Networks and NICs' addresses in the database.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/config.h"

namespace cella::manager {

class Database;

struct NetworkRecord {
  std::int64_t id = 0;
  std::string project = "default";
  std::string name;
  std::string description;
  std::string hwaddr;  // the bridge's stable MAC when bridge.hwaddr is not set
  Config config;
};

// The addresses one NIC holds on one network until it or its instance is deleted. Empty texts: none.
struct NicRecord {
  std::int64_t network_id = 0;
  std::string instance;
  std::string device;
  std::string mac;
  std::string ipv4;
  std::string ipv6;
  bool ipv4_fixed = false;  // asked for by the device's ipv4.address
  bool ipv6_fixed = false;
  bool operator==(const NicRecord&) const = default;
};

Result<std::vector<NetworkRecord>> read_networks(Database& database);
// Sets record.id. Errors: kExists.
Result<void> insert_network(Database& database, NetworkRecord& record);
// Name, description and config of the record with this id.
Result<void> update_network(Database& database, const NetworkRecord& record);
// Its NICs' addresses go with it.
Result<void> delete_network(Database& database, std::int64_t id);

Result<std::vector<NicRecord>> read_nics(Database& database);
// Inserts or replaces by (network, instance, device). Errors: kExists when another NIC of the network has the address.
Result<void> put_nic(Database& database, const NicRecord& record);
Result<void> delete_nic(Database& database, const NicRecord& record);
Result<void> rename_nics(Database& database, const std::string& instance, const std::string& new_name);

}  // namespace cella::manager
