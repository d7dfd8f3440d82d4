// Which instances and profiles have disk devices with custom volumes, and how those follow a volume's new name.
#pragma once

#include <string>
#include <vector>

#include "manager/config.h"
#include "manager/custom_volumes.h"

namespace cella::manager {

class InstanceSet;
class InstanceUpdate;
class Profiles;

// Thread-safe. Outlived by what it is given.
class DeviceVolumeUsers final : public VolumeUsers {
 public:
  DeviceVolumeUsers(const CustomVolumes& volumes, const InstanceSet& set, Profiles& profiles, InstanceUpdate& update)
      : volumes_(volumes), set_(set), profiles_(profiles), update_(update) {}
  std::vector<VolumeUser> users_of(const VolumeKey& key) const override;
  Result<void> volume_renamed(const VolumeKey& from, const VolumeKey& to) override;

 private:
  bool uses(const Devices& devices, const std::string& project, const VolumeKey& key) const;
  bool replace(Devices& devices, const std::string& project, const VolumeKey& from, const VolumeKey& to) const;

  const CustomVolumes& volumes_;
  const InstanceSet& set_;
  Profiles& profiles_;
  InstanceUpdate& update_;
};

}  // namespace cella::manager
