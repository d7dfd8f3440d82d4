// What is in projects, told to Projects: the wiring between it and the other nouns.
#pragma once

#include "manager/custom_volumes.h"
#include "manager/instance_surroundings.h"
#include "manager/projects.h"

namespace cella::manager {

// Thread-safe. around outlives it.
class ProjectContents : public Projects::Contents {
 public:
  explicit ProjectContents(const InstanceSurroundings& around) : around_(around) {}

  std::vector<std::string> used_by(const std::string& project) const override;
  bool is_empty(const std::string& project) const override;
  Result<void> conforms(const Project& next) const override;
  std::map<std::string, ProjectUse> state(const Project& project) const override;
  Result<void> set_own_profiles(const std::string& project, bool own) override;
  void renamed(const std::string& from, const std::string& to) override;

 private:
  const InstanceSurroundings& around_;
};

// Holds custom volumes to the limits and restrictions of their projects. Thread-safe. around outlives it.
class ProjectVolumePolicy : public VolumePolicy {
 public:
  explicit ProjectVolumePolicy(const InstanceSurroundings& around) : around_(around) {}

  Result<std::shared_ptr<void>> admit(const VolumeKey& key, const Config& config) override;
  Result<void> check_snapshot(const VolumeKey& key) override;
  Result<void> check_backup(const VolumeKey& key) override;

 private:
  const InstanceSurroundings& around_;
};

}  // namespace cella::manager
