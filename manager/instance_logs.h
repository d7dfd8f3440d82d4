// Each instance's log directory: what its launches did, what its console printed, what recorded commands gave.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "manager/instance.h"

namespace cella::manager {

// Names are qualified instance names; each directory is made when it is first written to. Thread-safe: instances write
// to directories of their own.
class InstanceLogs {
 public:
  static constexpr const char* kLaunch = "lxc.log";  // the name that clients look for
  static constexpr const char* kConsole = "console.log";

  explicit InstanceLogs(std::string directory) : directory_(std::move(directory)) {}

  // Errors: kNotFound while nothing was written.
  Result<DirFd> open(const std::string& instance) const;
  Result<DirFd> open_or_make(const std::string& instance) const;

  // Replaces the launch log: the steps with their times, and how it ended.
  Result<void> write_launch(const std::string& instance, const LaunchTrace& trace, const Result<void>& outcome) const;
  // What the console had printed when the container ended.
  Result<void> write_console(const std::string& instance, const std::string& text) const;
  // Empty when there is none.
  Result<std::string> console(const std::string& instance) const;
  Result<void> clear_console(const std::string& instance) const;

  Result<void> rename(const std::string& from, const std::string& to) const;
  Result<void> remove(const std::string& instance) const;

 private:
  Result<void> write(const std::string& instance, const char* file, const std::string& text) const;

  const std::string directory_;
};

}  // namespace cella::manager
