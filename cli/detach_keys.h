// The escape of an attached console: ctrl-a q leaves it, ctrl-a a types a ctrl-a.
#pragma once

#include <string>
#include <string_view>

namespace cella::cli {

class DetachKeys {
 public:
  // What of the typed bytes goes to the console. The two keys may come in different calls. After ctrl-a q the rest of
  // the bytes is dropped.
  std::string pass(std::string_view typed);
  bool detached() const { return detached_; }

 private:
  bool escape_seen_ = false;
  bool detached_ = false;
};

}  // namespace cella::cli
