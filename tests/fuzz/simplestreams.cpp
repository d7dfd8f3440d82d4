// Lists of images as servers send them.
#include <string>

#include "api/simplestreams.h"
#include "tests/fuzz/target.h"

namespace cella {

FUZZ_TARGET(simplestreams) {
  (void)api::parse_stream_index(text);
  auto images = api::parse_stream_products(text);
  if (!images.ok()) return;
  api::settle_stream_aliases(*images);
  for (const api::StreamImage& image : *images) {
    fuzz::require(image.image.fingerprint.size() == 64, "an image has a whole fingerprint");
    const auto url = api::stream_url("https://host/base", image.metadata.path);
    if (url.ok()) fuzz::require(url->starts_with("https://host/base/"), "a file is below its server");
    (void)api::find_stream_image(*images, image.image.fingerprint, image.image.architecture);
  }
}

}  // namespace cella
