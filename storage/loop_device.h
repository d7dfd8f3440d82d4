// Loop devices: a file as a block device. They clear themselves when nothing uses them any more.
#pragma once

#include <optional>
#include <string>

#include "base/fd.h"

namespace cella::storage {

enum class LoopAccess : std::uint8_t { kReadWrite, kReadOnly };

// An attached loop device. While the descriptor (or a mount of the device) lives, the device stays.
struct LoopDevice {
  Fd fd;
  std::string path;  // "/dev/loop3"
};

// The device that already backs exactly this file, if any: also one that a killed process left behind.
// Never attach a second one to a writable file system.
Result<std::optional<LoopDevice>> find_loop_device(const Fd& file);

// Attaches a free device (LO_FLAGS_AUTOCLEAR, direct I/O where the file system below has it).
// Source: loop(4), LOOP_CONFIGURE (Linux 5.8).
Result<LoopDevice> attach_loop_device(const Fd& file, LoopAccess access, const std::string& object);

// find, else attach.
Result<LoopDevice> use_loop_device(const Fd& file, LoopAccess access, const std::string& object);

// Makes the device notice that its file has grown.
Result<void> refresh_loop_size(const LoopDevice& device);

}  // namespace cella::storage
