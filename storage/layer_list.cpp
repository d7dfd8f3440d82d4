#include "storage/layer_list.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/files.h"
#include "base/units.h"

namespace cella::storage {
namespace {

constexpr std::size_t kManyLayers = 32;
constexpr std::size_t kMergedAtOnce = 8;

bool is_layer_name(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  return plain && !name.empty() && name.size() < 128 && name[0] != '.' && name.find('.') != std::string::npos;
}

}  // namespace

Result<LayerNames> read_layer_list(const Fd& volume, const std::string& file) {
  LayerNames layers;
  if (!exists_at(volume, file)) return layers;
  const std::string text = TRY(read_file_at(volume, file, 1u << 16));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string name = text.substr(at, end - at);
    if (!is_layer_name(name)) return Error(ErrorKind::kIo, "list of layers: damaged (\"" + name + "\")");
    layers.push_back(std::move(name));
    at = end + 1;
  }
  return layers;
}

Result<void> write_layer_list(const Fd& volume, const LayerNames& layers, const std::string& file) {
  if (layers.empty()) {
    if (::unlinkat(volume.get(), file.c_str(), 0) == 0 || errno == ENOENT) return kOk;
    return errno_error(errno, "remove " + file);
  }
  std::string text;
  for (const std::string& layer : layers) text += layer + "\n";
  const std::string temporary = file + ".new";
  {
    const Fd fd = TRY(open_at(volume, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
    TRY(write_all(fd, text));
    TRY(sync_fd(fd, temporary));
  }
  if (::renameat(volume.get(), temporary.c_str(), volume.get(), file.c_str()) == 0) return kOk;
  return errno_error(errno, "rename " + temporary);
}

std::string layer_name(unsigned level, const std::string& unique) { return std::to_string(level) + "." + unique; }

unsigned layer_level(const std::string& name) {
  const Result<std::uint64_t> level = parse_unsigned("layer", std::string_view(name).substr(0, name.find('.')));
  return level.ok() ? static_cast<unsigned>(*level) : 0;
}

MergePlan plan_merge(const LayerNames& layers) {
  if (layers.size() <= kManyLayers) return {};
  for (std::size_t first = 0; first < layers.size();) {
    std::size_t end = first;
    const unsigned level = layer_level(layers[first]);
    while (end < layers.size() && layer_level(layers[end]) == level) ++end;
    if (end - first >= kMergedAtOnce) return {end - kMergedAtOnce, kMergedAtOnce, level + 1};
    first = end;
  }
  const auto highest = std::max_element(
      layers.begin(), layers.end(), [](const auto& a, const auto& b) { return layer_level(a) < layer_level(b); });
  return {0, layers.size(), layer_level(*highest) + 1};
}

}  // namespace cella::storage
