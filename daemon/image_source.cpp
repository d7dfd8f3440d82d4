#include "daemon/image_source.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/files.h"

namespace cella::daemon {

Result<std::unique_ptr<ImageSource>> open_image_source(const ImageRequest& request) {
  if (!request.server.starts_with("https://")) {
    return invalid_value("source.server", request.server, "must start with https://");
  }
  if (request.protocol == "direct") return make_direct_source(request);
  if (request.fingerprint.empty() && request.alias.empty()) {
    return Error(ErrorKind::kInvalid, "source: must have an alias or a fingerprint");
  }
  if (request.protocol.empty() || request.protocol == "lxd") return open_server_source(request);
  if (request.protocol == "simplestreams") return make_stream_source(request);
  return Error(ErrorKind::kUnsupported,
               "source.protocol \"" + request.protocol + "\": only lxd and simplestreams are served");
}

api::TransferProgress download_progress(const manager::OperationHandle& operation) {
  using Clock = std::chrono::steady_clock;
  return [operation, begun = Clock::now(), told = Clock::time_point()](std::uint64_t done,
                                                                       std::uint64_t total) mutable {
    const auto now = Clock::now();
    if (now - told > std::chrono::milliseconds(250)) {
      told = now;
      const double seconds = std::max(0.001, std::chrono::duration<double>(now - begun).count());
      char text[80];
      std::snprintf(text, sizeof text, "rootfs: %d%% (%.2fMB/s)", total == 0 ? 0 : static_cast<int>(done * 100 / total),
                    static_cast<double>(done) / 1e6 / seconds);
      operation.set_metadata("download_progress", std::string(text));
    }
    return !operation.cancel_requested();
  };
}

Result<Fd> create_download(const std::string& directory, std::string& path) {
  const std::string made = directory + "/pull-" + manager::random_uuid();
  Fd file = TRY(open_path(made, O_RDWR | O_CREAT | O_EXCL, 0600));
  path = made;
  return file;
}

}  // namespace cella::daemon
