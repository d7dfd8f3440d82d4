// metadata.yaml of an image, written.
#pragma once

#include <string>

#include "manager/image.h"

namespace cella::manager {

// Text that parse_image_metadata() reads back to the same value.
std::string format_image_metadata(const ImageMetadata& metadata);

}  // namespace cella::manager
