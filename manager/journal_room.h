// Room for the database's write-ahead log.
#pragma once

#include <cstdint>
#include <string>

namespace cella::manager {

// Makes the file at path at least `size` bytes long with zeros that are on the disk, keeping what it holds. A commit
// then overwrites blocks that exist and its fdatasync(2) writes just them: one that makes the file longer must wait for
// the file system's own journal, which costs twice as much on a quiet disk and forty times on a busy one.
// SQLite reads its log up to the first frame whose checksum is wrong, so zeros at the end say nothing.
// Best effort: a full disk leaves the file as it was or longer, and commits merely slow.
void reserve_journal_room(const std::string& path, std::uint64_t size);

}  // namespace cella::manager
