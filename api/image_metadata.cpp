#include "api/image_metadata.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<ImageMetadataTemplate> {
  static void visit(auto& v, auto& x) {
    v("when", x.when);
    v("create_only", x.create_only);
    v("template", x.source);
    v("properties", x.properties);
  }
};
template <>
struct Members<ImageMetadata> {
  static void visit(auto& v, auto& x) {
    v("architecture", x.architecture);
    v("creation_date", x.creation_date);
    v("expiry_date", x.expiry_date);
    v("properties", x.properties);
    v("templates", x.templates);
  }
};

CELLA_API_CODEC(ImageMetadata)

}  // namespace cella::api
