// metadata.yaml of an image.
#include "manager/images.h"
#include "tests/fuzz/target.h"

namespace cella::manager {

FUZZ_TARGET(image_metadata) {
  const Result<ImageMetadata> metadata = parse_image_metadata(text);
  if (!metadata.ok()) return;
  fuzz::require(!metadata->architecture.empty(), "metadata that is accepted names an architecture");
  for (const ImageTemplate& entry : metadata->templates) {
    fuzz::require(!entry.source.empty() && entry.source.find('/') == std::string::npos && entry.source != "..",
                  "a template's source is one name");
    fuzz::require(!entry.path.empty() && entry.path.front() == '/', "a template's path is absolute");
  }
}

}  // namespace cella::manager
