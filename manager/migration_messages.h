// The control messages by which two servers agree on a migration, in LXD's wire form (protocol buffers, proto2).
// Source: LXD's lxd/migration/migrate.proto. Our own fields have numbers from 1000 on, which LXD passes over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "manager/snapshot_records.h"

namespace cella::manager {

// A message is not taken when it is longer.
inline constexpr std::size_t kMaxMigrationMessage = 16u << 20;

// What the source offers, and what the target chose of it.
struct MigrationHeader {
  std::uint64_t file_system = 0;          // LXD's MigrationFSType; 0: rsync, what every LXD falls back to
  std::vector<SnapshotRecord> snapshots;  // in order; of the answer: those to be sent
  bool refresh = false;                   // the target exists and is brought up to date
  std::vector<std::string> streams;       // field 1000: formats of ours; of the answer: the one chosen
};

std::string encode_header(const MigrationHeader& header);
// Fields it does not know are passed over. Errors: kInvalid for what is no such message, or names that are none.
Result<MigrationHeader> decode_header(std::string_view message);

// How it ended, or why it cannot go on. Either side sends it.
struct MigrationOutcome {
  bool success = false;
  std::string message;  // of a failure
};

std::string encode_outcome(const MigrationOutcome& outcome);
Result<MigrationOutcome> decode_outcome(std::string_view message);

}  // namespace cella::manager
