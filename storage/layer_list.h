// The layers a volume of the overlay driver stands on: the file "layers" in its directory, one name a line, topmost
// first. Below the last one comes the image, when the volume has one. No file: no layers.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"

namespace cella::storage {

using LayerNames = std::vector<std::string>;

inline constexpr const char* kLayerList = "layers";

// Errors: kIo for a list that is damaged.
Result<LayerNames> read_layer_list(const Fd& volume, const std::string& file = kLayerList);
// Replaces the list; its contents are on disk before it has its name. An empty list leaves no file.
Result<void> write_layer_list(const Fd& volume, const LayerNames& layers, const std::string& file = kLayerList);

// A layer's name is "LEVEL.UNIQUE". A layer of level n + 1 was merged from several of level n.
std::string layer_name(unsigned level, const std::string& unique);
unsigned layer_level(const std::string& name);

// Which neighbours of a list are to be merged into one, so that a list stays short and a file is seldom linked again.
struct MergePlan {
  std::size_t first = 0;  // index of the topmost
  std::size_t count = 0;  // 0: nothing to do
  unsigned level = 0;     // of the result
};
// Beyond 32 layers: the lowest eight of the lowest level that has so many; when no level has, all of them.
MergePlan plan_merge(const LayerNames& layers);
// More than this are never mounted: with names of two digits their list fits the 255 bytes an option may have.
inline constexpr std::size_t kMostLayers = 64;

}  // namespace cella::storage
