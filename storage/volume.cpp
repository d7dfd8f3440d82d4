#include "storage/volume.h"

#include <algorithm>

namespace cella::storage {
namespace {

bool plain_name(std::string_view name) {
  if (name.empty() || name.size() > 200 || name[0] == '.' || name[0] == '-') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

std::string_view kind_text(VolumeKind kind) {
  switch (kind) {
    case VolumeKind::kImage:
      return "image";
    case VolumeKind::kRoot:
      return "root";
    case VolumeKind::kSnapshot:
      return "snapshot";
    case VolumeKind::kCustom:
      return "custom";
    case VolumeKind::kCustomSnapshot:
      return "custom snapshot";
  }
  return "";
}

}  // namespace

std::string_view driver_text(DriverType type) {
  switch (type) {
    case DriverType::kOverlay:
      return "overlay";
    case DriverType::kBtrfs:
      return "btrfs";
    case DriverType::kDir:
      return "dir";
  }
  return "";
}

Result<DriverType> parse_driver(std::string_view text) {
  for (const DriverType type : {DriverType::kOverlay, DriverType::kBtrfs, DriverType::kDir})
    if (text == driver_text(type)) return type;
  return invalid_value("driver", text, "not one of overlay, btrfs, dir");
}

std::string volume_text(const VolumeId& volume) {
  return std::string(kind_text(volume.kind)) + " volume \"" + volume.name + "\"";
}

Result<void> check_volume_name(const VolumeId& volume) {
  bool good = false;
  if (is_snapshot(volume.kind)) {
    const std::size_t slash = volume.name.find('/');
    good = slash != std::string::npos && plain_name(std::string_view(volume.name).substr(0, slash)) &&
           plain_name(std::string_view(volume.name).substr(slash + 1));
  } else {
    good = plain_name(volume.name);
  }
  if (!good) return invalid_value("volume name", volume.name, "not a name of letters, digits, '.', '_', '-'");
  return kOk;
}

}  // namespace cella::storage
