// The files inside an instance, running or stopped, reached through a confined worker of that instance.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "base/fd.h"
#include "base/id_map.h"
#include "manager/file_session.h"
#include "manager/instance_set.h"

namespace cella::manager {

class Pools;

// Keeps one worker an instance for a few seconds after its last use, so that a transfer of many files costs one
// process. Thread-safe; set and pools outlive it.
//
// A worker of a stopped instance holds its root mounted, and one of a running instance its mount namespace: whoever
// starts, renames or removes an instance, or has seen it stop, calls end() first. Files being transferred then fail.
class InstanceFiles {
 public:
  InstanceFiles(InstanceSet& set, Pools& pools);
  ~InstanceFiles();
  InstanceFiles(const InstanceFiles&) = delete;
  InstanceFiles& operator=(const InstanceFiles&) = delete;

  // Errors: kNotFound; kBusy while the instance is being made, started or removed; what the worker met.
  Result<FileSession> open(const std::string& name);
  // A raw SFTP connection, at its beginning. keep: to be held as long as the connection is used. Errors: as open().
  Result<Fd> open_sftp(const std::string& name, std::shared_ptr<void>& keep);

  // A worker of its own for a root that the caller has mounted with this map; it ends with the session.
  static Result<FileSession> open_root(const Fd& root, const IdMap& map);

  // Ends the worker of an instance and waits until it is gone. The caller holds entry.run, so that no other is started.
  void end(const InstanceEntry& entry);

 private:
  struct Shared;
  struct Worker;
  Result<Fd> open_socket(const std::string& name, std::shared_ptr<void>& keep);
  Result<std::shared_ptr<Worker>> start_worker(const InstanceEntry& entry);
  std::shared_ptr<Worker> take_present(std::int64_t id);
  std::shared_ptr<void> releasing(const std::shared_ptr<Worker>& worker);
  void forget(std::int64_t id, const std::shared_ptr<Worker>& worker);
  void expire();

  InstanceSet& set_;
  Pools& pools_;
  std::shared_ptr<Shared> shared_;  // outlived by sessions that somebody still holds
  std::thread expiry_;
};

}  // namespace cella::manager
