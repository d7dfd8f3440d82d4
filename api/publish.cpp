#include "api/publish.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<PublishSource> {
  static void visit(auto& v, auto& x) {
    v("type", x.type);
    v("name", x.name);
    v("project", x.project);
  }
};
template <>
struct Members<PublishAlias> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("description", x.description);
  }
};
template <>
struct Members<ImagePublish> {
  static void visit(auto& v, auto& x) {
    v("properties", x.properties);
    v("public", x.is_public);
    v("expires_at", x.expires_at);
    v("profiles", x.profiles);
    v("filename", x.filename);
    v("source", x.source);
    v("compression_algorithm", x.compression_algorithm);
    v("aliases", x.aliases);
  }
};

CELLA_API_CODEC(ImagePublish)

}  // namespace cella::api
