#include "daemon/image_clock.h"

#include <spdlog/spdlog.h>

#include "manager/image_policy.h"
#include "manager/projects.h"

namespace cella::daemon {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr std::chrono::minutes kTick{10};

}  // namespace

ImageClock::ImageClock(boost::asio::io_context& io, manager::Server& server, std::shared_ptr<ImageFetches> fetches,
                       RunOnWorker run)
    : server_(server), fetches_(std::move(fetches)), run_(std::move(run)), timer_(io) {}

void ImageClock::start() { tick(); }

void ImageClock::wait() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) tick();
  });
}

void ImageClock::tick() {
  const manager::ImagePolicy policy = manager::image_policy(server_.config());
  if (policy.cache_expiry.count() > 0) {
    run_([this, before = system_clock::now() - policy.cache_expiry] {
      for (const manager::Project& project : server_.projects().list()) {
        const Result<void> removed = server_.images().in(project.name).remove_unused(before);
        if (!removed.ok()) spdlog::error("cannot remove cached images error=\"{}\"", removed.error().message());
      }
    });
  }
  const auto now = steady_clock::now();
  if (policy.update_interval.count() > 0 && (!updated_ || now - *updated_ >= policy.update_interval)) {
    updated_ = now;
    fetches_->update_all([](const std::string& fingerprint, const Error& error) {
      spdlog::warn("cannot update an image fingerprint={} error=\"{}\"", fingerprint, error.message());
    });
  }
  wait();
}

}  // namespace cella::daemon
