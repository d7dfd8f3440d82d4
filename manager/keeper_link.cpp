#include "manager/keeper_link.h"

namespace cella::manager {
namespace {

constexpr std::chrono::seconds kReopenPatience{10};
constexpr std::chrono::milliseconds kReopenPause{20};

}  // namespace

Result<void> KeeperLink::open() {
  runtime::KeeperEvents events;
  events.container_exited = [this](const runtime::ContainerExit& exit) { on_exit(exit); };
  events.lost = [this](const Error& error) { on_lost(error); };
  std::shared_ptr<runtime::KeeperClient> client = TRY_CONTEXT("keeper", runtime::KeeperClient::open(options_, events));
  std::shared_ptr<runtime::KeeperClient> old;
  std::lock_guard lock(mutex_);
  old = std::exchange(client_, std::move(client));
  return kOk;
}

Result<void> KeeperLink::reopen() {
  const auto deadline = std::chrono::steady_clock::now() + kReopenPatience;
  while (true) {
    auto opened = open();
    if (opened.ok() || std::chrono::steady_clock::now() > deadline) return opened;
    std::unique_lock calling(calling_);
    if (stopped_.wait_for(calling, kReopenPause, [this] { return !listening_; })) {
      return Error(ErrorKind::kCancelled, "keeper: going down");
    }
  }
}

void KeeperLink::listen(Listener listener) {
  std::lock_guard calling(calling_);
  listener_ = std::move(listener);
  listening_ = true;
  const auto exits = std::exchange(early_exits_, {});
  for (const auto& exit : exits) listener_.container_exited(exit);
  if (const auto loss = std::exchange(early_loss_, std::nullopt)) listener_.lost(*loss);
}

void KeeperLink::stop_listening() {
  std::lock_guard calling(calling_);
  listening_ = false;
  listener_ = {};
  stopped_.notify_all();
}

Result<std::shared_ptr<runtime::KeeperClient>> KeeperLink::client() const {
  std::lock_guard lock(mutex_);
  if (client_ == nullptr) return Error(ErrorKind::kIo, "keeper: not connected");
  return client_;
}

void KeeperLink::on_exit(const runtime::ContainerExit& exit) {
  std::lock_guard calling(calling_);
  if (listening_) {
    listener_.container_exited(exit);
  } else {
    early_exits_.push_back(exit);
  }
}

void KeeperLink::on_lost(const Error& error) {
  std::lock_guard calling(calling_);
  if (listening_) {
    listener_.lost(error);
  } else {
    early_loss_ = error;
  }
}

}  // namespace cella::manager
