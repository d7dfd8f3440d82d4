// Exact copies of file trees: ownership, modes, times, attributes, hard links and holes, sharing blocks where the file
// system can.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "storage/volume.h"

namespace cella::storage {

struct CopyReport {
  std::uint64_t entries = 0;
  std::uint64_t skipped_devices = 0;  // device nodes other than overlay whiteouts, and sockets
};

// Copies the contents and attributes of directory `from` onto the empty directory `to`. Numbers on disk are taken over
// as they are. Neither tree is left by links; `from` may change meanwhile (then files are as they were when read).
// expected_entries: for progress (done and total count entries); 0 when unknown.
// Errors: kNoSpace, kCancelled, kIo naming the file.
Result<CopyReport> copy_tree(const Fd& from, const Fd& to, std::uint64_t expected_entries, const Watch& watch);

}  // namespace cella::storage
