// The times at which fetched images are looked after: newer ones are asked for, unused ones go.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "api/beast.h"
#include "daemon/handlers.h"
#include "daemon/image_fetches.h"
#include "manager/server.h"

namespace cella::daemon {

// On the I/O thread. The first look is at the start. What it is given outlives it.
class ImageClock {
 public:
  ImageClock(boost::asio::io_context& io, manager::Server& server, std::shared_ptr<ImageFetches> fetches,
             RunOnWorker run);
  void start();

 private:
  void wait();
  void tick();

  manager::Server& server_;
  const std::shared_ptr<ImageFetches> fetches_;
  const RunOnWorker run_;
  boost::asio::steady_timer timer_;
  std::optional<std::chrono::steady_clock::time_point> updated_;  // nullopt: not since the daemon started
};

}  // namespace cella::daemon
