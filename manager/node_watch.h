// Watches for device nodes of the host that containers would like to have but can do without.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace cella::manager {

// Looks at directories, never at the nodes: a path that is not there yet is watched by the nearest directory that is.
// Thread-safe.
class NodeWatch {
 public:
  // changed: a path of this instance may have come or gone. Called on the watch's own thread: must not block.
  explicit NodeWatch(std::function<void(std::int64_t instance)> changed) : changed_(std::move(changed)) {}
  ~NodeWatch();
  NodeWatch(const NodeWatch&) = delete;
  NodeWatch& operator=(const NodeWatch&) = delete;

  // The paths (absolute) that an instance waits for; none: it waits for nothing any more. The watch begins before this
  // returns. Errors: kNoSpace when the kernel gives no more watches.
  Result<void> set(std::int64_t instance, std::vector<std::string> paths);
  // After this `changed` is not called any more.
  void end();

 private:
  Result<void> start();
  Result<void> renew();
  void run();
  void take_events();

  const std::function<void(std::int64_t)> changed_;
  std::mutex mutex_;
  std::map<std::int64_t, std::vector<std::string>> wanted_;
  std::map<std::string, int> watches_;  // directory → inotify's number
  Fd inotify_;
  Pipe cancel_;
  std::thread thread_;
  bool ended_ = false;
};

// The nearest directory above the path that exists: "/dev/none/x" → "/dev".
std::string nearest_directory(const std::string& path);

}  // namespace cella::manager
