#include "manager/lxd_import.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

#include "base/files.h"
#include "base/rollback.h"
#include "manager/device_rules.h"
#include "manager/names.h"
#include "manager/networks.h"
#include "manager/operations.h"
#include "manager/pool_config.h"
#include "manager/pools.h"
#include "manager/profiles.h"
#include "manager/volume_copies.h"
#include "storage/archive_writer.h"
#include "storage/filesystem_mount.h"
#include "storage/loop_device.h"

namespace cella::manager {
namespace {

constexpr std::size_t kMostManifest = 16u << 20;

Result<void> check_stopped(const std::string& lxd_dir) {
  if (!path_exists(lxd_dir + "/storage-pools")) {
    return invalid_value("lxd-dir", lxd_dir, "no storage-pools in it: not a directory of LXD");
  }
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return errno_error(errno, "socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = lxd_dir + "/unix.socket";
  if (path.size() >= sizeof address.sun_path) return invalid_value("lxd-dir", lxd_dir, "too long");
  path.copy(address.sun_path, path.size());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return Error(ErrorKind::kBusy, "LXD runs on " + lxd_dir + ": stop it and its instances first");
  }
  return kOk;
}

// The pool's own directory: as it is mounted, or the file system in its loop file.
Result<Fd> open_pool(const std::string& lxd_dir, const std::string& pool) {
  const std::string directory = lxd_dir + "/storage-pools/" + pool;
  if (path_exists(directory + "/containers")) return Fd(TRY(open_dir(directory)).release());
  const std::string disk = lxd_dir + "/disks/" + pool + ".img";
  if (!path_exists(disk)) {
    return Error(ErrorKind::kUnsupported, "storage pool \"" + pool + "\" of LXD: not mounted, and no loop file; mount it at " + directory);
  }
  const Fd file = TRY(open_path(disk, O_RDWR));
  const auto device = TRY(storage::use_loop_device(file, storage::LoopAccess::kReadWrite, disk));
  return storage::mount_btrfs_device(device.path, "user_subvol_rm_allowed");
}

Result<std::vector<std::string>> names_below(const Fd& pool, const std::string& path) {
  if (!exists_at(pool, path)) return std::vector<std::string>();
  auto names = TRY(list_names(TRY(open_dir_at(pool, path))));
  std::sort(names.begin(), names.end());
  return names;
}

// backup.yaml is the "config" member of what a backup's index says.
std::string as_index(const LxdInstance& instance, const std::vector<std::string>& snapshots, const std::string& text) {
  std::string index = "name: " + short_name(instance.name) + "\nbackend: dir\npool: " + instance.pool +
                      "\noptimized: false\ntype: container\nsnapshots:";
  if (snapshots.empty()) index += " []";
  for (const auto& snapshot : snapshots) index += "\n- \"" + snapshot + "\"";
  index += "\nconfig:\n";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    index += "  " + text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return index;
}

// Of LXD's own making, and of no meaning to anybody else. The id map on disk and the addresses stay.
bool is_foreign(const std::string& key) {
  if (!key.starts_with("volatile.")) return false;
  return key != "volatile.base_image" && key != "volatile.last_state.idmap" && !key.ends_with(".hwaddr");
}

// What came from profiles becomes the instance's own.
template <typename T>
void take_in(std::map<std::string, T>& own, const std::map<std::string, T>& expanded) {
  for (const auto& [key, value] : expanded) own.try_emplace(key, value);
}

}  // namespace

Result<std::vector<LxdInstance>> LxdImport::list(const std::string& lxd_dir) const {
  TRY(check_stopped(lxd_dir));
  std::vector<LxdInstance> instances;
  auto pools = TRY(list_names(TRY(open_dir(lxd_dir + "/storage-pools"))));
  std::sort(pools.begin(), pools.end());
  for (const auto& pool : pools) {
    const auto opened = open_pool(lxd_dir, pool);
    if (!opened.ok()) {
      instances.push_back({pool, "", opened.error().message()});
      continue;
    }
    for (const auto& name : TRY(names_below(*opened, "containers"))) {
      LxdInstance instance{pool, name, ""};
      const auto index = read_index(*opened, instance);
      if (!index.ok()) instance.obstacle = index.error().message();
      instances.push_back(std::move(instance));
    }
    for (const auto& name : TRY(names_below(*opened, "virtual-machines")))
      instances.push_back({pool, name, "a virtual machine: only containers are served"});
  }
  return instances;
}

Result<BackupIndex> LxdImport::read_index(const Fd& pool, const LxdInstance& instance) const {
  const std::string directory = "containers/" + instance.name;
  const auto text = read_file_at(pool, directory + "/backup.yaml", kMostManifest);
  if (!text.ok() && text.error().kind() == ErrorKind::kNotFound)
    return Error(ErrorKind::kNotFound, "no backup.yaml: it was never started or changed");
  const auto snapshots = TRY(names_below(pool, "containers-snapshots/" + instance.name));
  auto index = TRY(parse_backup_index(as_index(instance, snapshots, TRY(text))));
  Config& config = index.instance.config;
  const Config own = config;
  take_in(config, index.instance.expanded_config);
  take_in(index.instance.devices, index.instance.expanded_devices);
  settle(config, index.instance.devices);
  index.instance.profiles.clear();
  for (auto& snapshot : index.snapshots) {
    // What the profiles said at the time is not told; what they say now is the best there is.
    for (const auto& [key, value] : config)
      if (!own.contains(key)) snapshot.config.try_emplace(key, value);
    take_in(snapshot.devices, index.instance.devices);
    settle(snapshot.config, snapshot.devices);
    snapshot.profiles.clear();
  }
  return index;
}

void LxdImport::settle(Config& config, Devices& devices) const {
  std::erase_if(config, [](const auto& entry) { return is_foreign(entry.first); });
  for (auto& [name, device] : devices) {
    if (device_value(device, "type") != "nic") continue;
    settle_network(device);
  }
  std::erase_if(devices, [](const auto& entry) { return entry.second.empty(); });
}

void LxdImport::settle_network(Device& nic) const {
  const std::string network = device_value(nic, "network");
  if (network.empty() || around_.networks.get(network).ok()) return;
  const auto profiles = around_.profiles.resolve(std::string(kDefaultProject), {"default"});
  Device found;
  if (profiles.ok()) {
    for (const auto& [name, device] : profiles->front().devices)
      if (device_value(device, "type") == "nic" && !device_value(device, "network").empty()) found = device;
  }
  // Its addresses were those of the other network.
  if (!found.empty() && !device_value(nic, "name").empty()) found["name"] = device_value(nic, "name");
  nic = std::move(found);
}

Result<void> LxdImport::pack(const Fd& pool, const LxdInstance& instance, const BackupIndex& index,
                             const Fd& file) const {
  auto archive = TRY(storage::ArchiveWriter::open(file, TRY(storage::parse_compression("compression", "none"))));
  const auto add = [&](const std::string& from, const std::string& to) -> Result<void> {
    const DirFd directory = TRY(open_dir_at(pool, from));
    TRY(archive.add_directory(to));
    if (exists_at(directory, "metadata.yaml"))
      TRY(archive.add_text(to + "/metadata.yaml", TRY(read_file_at(directory, "metadata.yaml"))));
    for (const char* part : {"templates", "rootfs"})
      if (exists_at(directory, part)) TRY(archive.add_tree(to + "/" + part, TRY(open_dir_at(directory, part)), {}));
    return kOk;
  };
  TRY(archive.add_directory("backup"));
  TRY(archive.add_text("backup/index.yaml", format_backup_index(index, Pool{}, {})));
  if (!index.snapshots.empty()) TRY(archive.add_directory("backup/snapshots"));
  for (const auto& snapshot : index.snapshots)
    TRY(add("containers-snapshots/" + instance.name + "/" + snapshot.name, "backup/snapshots/" + snapshot.name));
  TRY(add("containers/" + instance.name, "backup/container"));
  return archive.finish();
}

// As asked for, else one of the same name, else where the default profile puts roots.
Result<std::string> LxdImport::target_pool(const LxdImportRequest& request) const {
  if (!request.pool.empty()) return request.pool;
  if (around_.pools.find(request.instance.pool).ok()) return request.instance.pool;
  const auto profiles = TRY(around_.profiles.resolve(std::string(kDefaultProject), {"default"}));
  const auto root = TRY(find_root_disk(profiles.front().devices));
  if (root != nullptr) return device_value(root->second, "pool");
  return Error(ErrorKind::kInvalid, "pool: the default profile has no root disk to go by; name a storage pool");
}

Result<OperationId> LxdImport::import(const LxdImportRequest& request, const InstanceBackups::Caller& caller) {
  TRY(check_stopped(request.lxd_dir));
  const LxdInstance& instance = request.instance;
  TRY(storage::check_volume_name({storage::VolumeKind::kRoot, instance.name}));
  TRY(check_pool_name(instance.pool));
  const auto [project, name] = split_name(instance.name);
  const Fd pool = TRY(open_pool(request.lxd_dir, instance.pool));
  const auto index = TRY_CONTEXT("instance \"" + instance.name + "\"", read_index(pool, instance));
  BackupImport import{.path = backups_.upload_directory() + "/lxd-" + random_uuid(), .project = project, .name = name,
                      .pool = TRY(target_pool(request))};
  Rollback undo;
  undo.add([&] { ::unlink(import.path.c_str()); });
  TRY(pack(pool, instance, index, TRY(open_path(import.path, O_WRONLY | O_CREAT | O_EXCL, 0600))));
  undo.commit();
  return backups_.import(import, caller);
}

}  // namespace cella::manager
