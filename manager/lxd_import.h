// Instances of a real LXD that is stopped, taken over from its storage pools of the drivers dir and btrfs.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "manager/backup_index.h"
#include "manager/instance_backups.h"
#include "manager/instance_surroundings.h"

namespace cella::manager {

struct LxdInstance {
  std::string pool;
  std::string name;       // as its directory is called: "NAME" or "PROJECT_NAME"
  std::string obstacle;   // why it cannot be taken over; empty: it can
};

struct LxdImportRequest {
  std::string lxd_dir;
  LxdInstance instance;
  std::string pool;  // to put it in; empty: one of the same name, else the default profile's
};

// Thread-safe. Nothing of LXD's is changed. What it is given outlives it.
class LxdImport {
 public:
  LxdImport(const InstanceSurroundings& around, InstanceBackups& backups) : around_(around), backups_(backups) {}

  // Errors: kInvalid for a directory that is not LXD's; kBusy while LXD runs.
  Result<std::vector<LxdInstance>> list(const std::string& lxd_dir) const;

  // Copies the instance with its snapshots; then as InstanceBackups::import(). What its profiles said becomes its own
  // configuration; owners are shifted back to the container's own ids. A NIC on a network that is not here goes to the
  // default profile's, or is left out.
  Result<OperationId> import(const LxdImportRequest& request, const InstanceBackups::Caller& caller);

 private:
  Result<BackupIndex> read_index(const Fd& pool, const LxdInstance& instance) const;
  void settle(Config& config, Devices& devices) const;
  void settle_network(Device& nic) const;
  Result<std::string> target_pool(const LxdImportRequest& request) const;
  Result<void> pack(const Fd& pool, const LxdInstance& instance, const BackupIndex& index, const Fd& file) const;

  const InstanceSurroundings& around_;
  InstanceBackups& backups_;
};

}  // namespace cella::manager
