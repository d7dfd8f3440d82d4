// What the database says of every instance and custom volume, once more beside its files: backup.yaml in LXD's form.
// With it they are found again when the database is lost (host_recovery.h).
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/result.h"
#include "manager/events.h"
#include "manager/instance_set.h"
#include "manager/instance_surroundings.h"
#include "storage/volume.h"

namespace cella::manager {

inline constexpr const char* kManifestName = "backup.yaml";

// Writes on a thread of its own, shortly after a change was told of; a change that a killed daemon did not come to is
// made up for by the next one, which looks at all of them when it starts. A manifest is replaced whole.
class Manifests {
 public:
  // around outlives it. Begins with everything there is.
  explicit Manifests(const InstanceSurroundings& around);
  // Writes what is left to be written.
  ~Manifests();
  Manifests(const Manifests&) = delete;
  Manifests& operator=(const Manifests&) = delete;

 private:
  void note(const Event& event);
  void run();
  void write_instances(const std::set<std::string>& names);
  Result<void> write_instance(const std::string& name);
  void write_volumes();
  Result<void> replace(const std::string& pool, const storage::VolumeId& volume, const std::string& text);
  void log(const std::string& object, const Result<void>& outcome);

  const InstanceSurroundings& around_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> instances_;  // qualified names
  bool volumes_ = true;
  bool stop_ = false;
  std::thread thread_;
  Events::Subscription subscription_;  // first to go
};

}  // namespace cella::manager
