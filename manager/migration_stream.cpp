#include "manager/migration_stream.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "base/rollback.h"
#include "manager/volume_archive.h"
#include "storage/archive_writer.h"

namespace cella::manager {
namespace {

using Clock = std::chrono::steady_clock;

// What the members of the volume are below, in its archive.
constexpr const char* kPart = "volume";
// The fastest: the network is seldom faster.
constexpr storage::Compression kCompression{storage::CompressionMethod::kZstd, 1};

storage::Watch watch_stream(const OperationHandle& operation, const std::string& name) {
  storage::Watch watch;
  watch.progress = [operation, name, begun = Clock::now(),
                    told = std::make_shared<Clock::time_point>()](std::uint64_t done, std::uint64_t) {
    const auto now = Clock::now();
    if (now - *told < std::chrono::milliseconds(250)) return;
    *told = now;
    const double seconds = std::max(0.001, std::chrono::duration<double>(now - begun).count());
    const double megabytes = static_cast<double>(done) / 1e6;
    char text[80];
    std::snprintf(text, sizeof text, ": %.2fMB (%.2fMB/s)", megabytes, megabytes / seconds);
    operation.set_metadata("fs_progress", name + text);
  };
  watch.cancelled = [operation] { return operation.cancel_requested(); };
  return watch;
}

// An archive's reader stops at the archive's end; the bytes behind it belong to the same stretch.
void drain(const Fd& pipe) {
  char rest[4096];
  ssize_t count = 0;
  do {
    count = ::read(pipe.get(), rest, sizeof rest);
  } while (count > 0 || (count < 0 && errno == EINTR));
}

Result<void> pack(Pools& pools, const VolumeAt& volume, const Fd& to, const storage::Watch& watch) {
  auto archive = TRY(storage::ArchiveWriter::open(to, kCompression));
  TRY(add_volume(pools, archive, kPart, volume, watch));
  return archive.finish();
}

}  // namespace

Result<void> send_volume(Pools& pools, const VolumeAt& volume, const std::string& name, MigrationLink& link,
                         const OperationHandle& operation) {
  Pipe pipe = TRY(make_pipe());
  Result<void> packed = kOk;
  std::thread packer([&] {
    packed = pack(pools, volume, pipe.write_end, watch_stream(operation, name));
    // An archive that is not whole must not look as if it were: the other side is to see the stream end early.
    if (!packed.ok()) link.end_stream();
    pipe.write_end.reset();
  });
  const Result<void> sent = link.send_stretch(pipe.read_end);
  pipe.read_end.reset();  // a packer that still writes gets EPIPE
  packer.join();
  if (operation.cancel_requested()) return Error(ErrorKind::kCancelled, "migration");
  if (!sent.ok() && (packed.ok() || packed.error().errno_value() == EPIPE)) return sent;
  return packed;
}

Result<void> receive_volume(Pools& pools, const VolumeAt& root, const std::string& name, MigrationLink& link,
                            const OperationHandle& operation) {
  Pipe pipe = TRY(make_pipe());
  Result<void> received = kOk;
  std::thread receiver([&] {
    received = link.receive_stretch(pipe.write_end);
    pipe.write_end.reset();
  });
  Rollback undo;
  undo.add([&] { (void)pools.remove_volume(root.pool, root.volume); });
  const Result<void> unpacked =
      unpack_volume(pools, root, pipe.read_end, kPart, std::nullopt, watch_stream(operation, name));
  if (unpacked.ok()) {
    drain(pipe.read_end);
  } else {
    link.end_stream();
  }
  pipe.read_end.reset();
  receiver.join();
  if (operation.cancel_requested()) return Error(ErrorKind::kCancelled, "migration");
  // Where the connection broke the archive is damaged, and where the archive is bad nobody reads on.
  if (!unpacked.ok() && (received.ok() || received.error().errno_value() == EPIPE)) return unpacked;
  TRY(received);
  TRY(unpacked);
  undo.commit();
  return kOk;
}

}  // namespace cella::manager
