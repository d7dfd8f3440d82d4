// The conversation of `admin init`.
#pragma once

#include <iosfwd>
#include <string>

#include "base/result.h"
#include "cli/preseed.h"

namespace cella::cli {

inline constexpr const char* kDefaultBridge = "cellabr0";
inline constexpr const char* kDefaultPool = "default";
inline constexpr const char* kDefaultDriver = "overlay";

// How a host is set up when nobody is asked.
struct InitChoices {
  std::string driver = kDefaultDriver;
  std::string pool = kDefaultPool;
  std::string pool_size;    // btrfs: size of its loop file ("20GiB"); empty: the server's choice
  std::string pool_source;  // a block device or directory; empty: the server's choice
  bool make_pool = true;
  std::string bridge = kDefaultBridge;
  std::string ipv4 = "auto";
  std::string ipv6 = "auto";
  bool make_bridge = true;
};

// The set-up the choices stand for: pool, bridge, and the default profile with a root disk and eth0 on them.
Preseed preseed_of(const InitChoices& choices);

// Asks for each choice on `out` and reads answers from `in`; an empty line takes the default shown.
// Errors: kCancelled at the end of input.
Result<InitChoices> ask_choices(std::istream& in, std::ostream& out);
Result<bool> ask_yes_no(std::istream& in, std::ostream& out, const std::string& question, bool otherwise);

}  // namespace cella::cli
