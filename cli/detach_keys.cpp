#include "cli/detach_keys.h"

#include <utility>

namespace cella::cli {

std::string DetachKeys::pass(std::string_view typed) {
  constexpr char kCtrlA = '\x01';
  std::string out;
  for (const char c : typed) {
    if (std::exchange(escape_seen_, false)) {
      if (c == 'q') {
        detached_ = true;
        return out;
      }
      out += kCtrlA;
      if (c != 'a') out += c;
    } else if (c == kCtrlA) {
      escape_seen_ = true;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace cella::cli
