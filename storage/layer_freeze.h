// The step that turns what a volume's user wrote into a layer that never changes again.
#pragma once

#include <string>

#include "storage/layer_list.h"

namespace cella::storage {

// Whether a volume has files of its own above its layers: a tree without layers, or an upper directory with names in
// it.
Result<bool> has_own_files(const Fd& volume);

// An empty upper directory with the attributes of `model`, and a work directory.
Result<void> make_upper(const Fd& volume, const std::string& upper, const Fd& model);

// Moves the volume's own files to `layers`/`layer` and gives it an empty upper directory on top of them. Nobody may be
// writing to the volume. Whole at any moment: the new list and directory are laid beside the old ones, the move of the
// files decides, finish_freeze() does the rest after a crash. Durable when `layers`, then `volume` are flushed.
Result<void> freeze_volume(const Fd& volume, const Fd& layers, const std::string& layer);

// Ends or takes back a freeze that was interrupted; harmless for other volumes.
Result<void> finish_freeze(const Fd& volume, const Fd& layers);

}  // namespace cella::storage
