// What an overlay mount is told, as values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace cella::storage {

struct OverlayOption {
  std::string key;
  std::string value;
  bool operator==(const OverlayOption&) const = default;
};

// Options that do not depend on the layers. redirect_dir=on lets a guest rename directories of the image (safe: the
// trusted.* attributes it needs are out of a guest's reach). index=off, although it would keep hard links over copy-up:
// it ties the upper layer to one lower file system by file handle, so that a volume copied to another pool or an image
// mounted anew could fail with ESTALE. metacopy=off: an upper layer must stand for itself in copies and backups.
// kProbe: for a mount that is only to find out whether the kernel refuses it. With index=on it does refuse a layer that
// is another overlay's upper directory; volatile spares it the flush of the whole file system at its end.
enum class OverlayPurpose : std::uint8_t { kUse, kProbe };
std::vector<OverlayOption> overlay_behaviour(OverlayPurpose purpose = OverlayPurpose::kUse);

// Layer options as strings, for kernels without FSCONFIG_SET_FD layers. lowers: topmost first. Errors: kInvalid for a
// path with a character that the option syntax cannot carry (':' ',' '\\' or a control character), no lower layer, or
// a list of more than the 255 bytes that fsconfig(2) takes.
Result<std::vector<OverlayOption>> overlay_layer_strings(const std::vector<std::string>& lowers,
                                                         const std::string& upper, const std::string& work);

}  // namespace cella::storage
