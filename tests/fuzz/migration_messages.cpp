// Control messages of migrations as other servers send them.
#include "manager/migration_messages.h"
#include "tests/fuzz/target.h"

namespace cella {

FUZZ_TARGET(migration_messages) {
  (void)manager::decode_outcome(text);
  const auto header = manager::decode_header(text);
  if (!header.ok()) return;
  const std::string again = manager::encode_header(*header);
  const auto read = manager::decode_header(again);
  fuzz::require(read.ok(), "what was read can be written and read");
  fuzz::require(manager::encode_header(*read) == again, "and stays the same");
}

}  // namespace cella
