// Several layers of an overlay made into one that shows the same on whatever lies below.
#pragma once

#include "storage/layer_list.h"
#include "storage/volume.h"

namespace cella::storage {

// Fills the empty directory `to` with what the layers (topmost first, names below `layers`) show together. Files are
// shared by hard link, so the cost is per name and not per byte; directories are made anew. Marks of deleted names,
// opaque directories and redirects (trusted.overlay.opaque, trusted.overlay.redirect) come out as the layers below
// need them. Errors: kCancelled, kNoSpace, kIo naming the file.
// Source: kernel fs/overlayfs/namei.c, ovl_lookup() and ovl_check_redirect().
Result<void> merge_layers(const Fd& layers, const LayerNames& names, const Fd& to, const Watch& watch);

}  // namespace cella::storage
