// Paths, queries and times as a client writes them.
#include <string>

#include "api/client.h"
#include "api/time.h"
#include "tests/fuzz/target.h"

namespace cella::api {

FUZZ_TARGET(url) {
  const Result<std::string> plain = percent_decode(text);
  if (plain.ok()) {
    const Result<std::string> again = percent_decode(percent_encode(*plain));
    fuzz::require(again.ok() && *again == *plain, "percent encoding loses nothing");
  }
  (void)parse_query(text);
  const auto time = parse_time(text);
  if (time.ok() && *time) {
    const auto again = parse_time(format_time(*time));
    fuzz::require(again.ok() && *again == *time, "a time keeps its value");
  }
}

}  // namespace cella::api
