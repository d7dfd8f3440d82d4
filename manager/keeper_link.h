// The manager's connection to the keeper: opened once, opened again when the keeper was lost.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/client.h"

namespace cella::manager {

// Thread-safe. A client handed out stays usable by its holder after a reconnect (its calls then fail with kIo).
class KeeperLink {
 public:
  struct Listener {
    std::function<void(const runtime::ContainerExit&)> container_exited;
    // The keeper is gone; called on a thread of the dead client: hand the work to another thread.
    std::function<void(const Error&)> lost;
  };

  explicit KeeperLink(runtime::KeeperOptions options) : options_(std::move(options)) {}

  // Connects or starts a keeper. Exits that come before listen() are kept and delivered then.
  Result<void> open();
  // Opens another connection after the keeper was lost. A keeper that is just dying still answers for a moment: tried
  // again for up to 10 s. Errors: those of open(); kCancelled after stop_listening().
  Result<void> reopen();
  // Sets who hears of exits and of the keeper's loss; what happened meanwhile is delivered before it returns.
  void listen(Listener listener);
  // After this no listener is called any more.
  void stop_listening();

  // The present client. Errors: kIo while there is none.
  Result<std::shared_ptr<runtime::KeeperClient>> client() const;

 private:
  void on_exit(const runtime::ContainerExit& exit);
  void on_lost(const Error& error);

  const runtime::KeeperOptions options_;
  mutable std::mutex mutex_;
  std::shared_ptr<runtime::KeeperClient> client_;
  // Guards the listener during calls, so that stop_listening() waits for a call that runs.
  std::recursive_mutex calling_;
  Listener listener_;
  bool listening_ = false;
  std::condition_variable_any stopped_;  // with calling_
  std::vector<runtime::ContainerExit> early_exits_;
  std::optional<Error> early_loss_;
};

}  // namespace cella::manager
