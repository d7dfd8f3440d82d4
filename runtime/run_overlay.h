// A root whose changes live in memory and vanish with it: an overlay of the host over an id-mapped directory.
#pragma once

#include <string_view>

#include "base/fd.h"
#include "base/units.h"

namespace cella::runtime {

// How the layers are named to overlayfs. Kernels before 6.13 know no layers by descriptor, and want them attached.
enum class LayerNames : std::uint8_t { kDescriptors, kPaths };

struct ThrowAwayOverlay {
  HostId root_user;  // of the container; owns the upper layer
  HostId root_group;
  LayerNames names = LayerNames::kDescriptors;
};

// Makes the overlay, detached. `lower` is shown through the user namespace; the upper layer is a new tmpfs that nobody
// else sees, so it needs no id map: its files simply have the container's host ids.
// kDescriptors falls back to kPaths by itself; kPaths moves the calling process into a mount namespace of its own.
// Errors: kUnsupported when the file system of `lower` cannot be id-mapped; kIo naming the call and `object`.
Result<Fd> make_throw_away_overlay(const Fd& lower, const Fd& user_namespace, const ThrowAwayOverlay& wanted,
                                   std::string_view object);

}  // namespace cella::runtime
