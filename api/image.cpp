#include "api/image.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<ImageAlias> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("description", x.description);
  }
};
template <>
struct Members<ImageUpdateSource> {
  static void visit(auto& v, auto& x) {
    v("alias", x.alias);
    v("certificate", x.certificate);
    v("protocol", x.protocol);
    v("server", x.server);
    v("image_type", x.image_type);
  }
};
template <>
struct Members<Image> {
  static void visit(auto& v, auto& x) {
    v("auto_update", x.auto_update);
    v("properties", x.properties);
    v("public", x.is_public);
    v("expires_at", x.expires_at);
    v("profiles", x.profiles);
    v("aliases", x.aliases);
    v("architecture", x.architecture);
    v("cached", x.cached);
    v("filename", x.filename);
    v("fingerprint", x.fingerprint);
    v("size", x.size);
    v("update_source", x.update_source);
    v("type", x.type);
    v("created_at", x.created_at);
    v("last_used_at", x.last_used_at);
    v("uploaded_at", x.uploaded_at);
  }
};
template <>
struct Members<ImagePut> {
  static void visit(auto& v, auto& x) {
    v("auto_update", x.auto_update);
    v("properties", x.properties);
    v("public", x.is_public);
    v("expires_at", x.expires_at);
    v("profiles", x.profiles);
  }
};
template <>
struct Members<ImagePatch> {
  static void visit(auto& v, auto& x) {
    v("auto_update", x.auto_update);
    v("properties", x.properties);
    v("public", x.is_public);
    v("expires_at", x.expires_at);
    v("profiles", x.profiles);
  }
};
template <>
struct Members<ImageSource> {
  static void visit(auto& v, auto& x) {
    v("type", x.type);
    v("mode", x.mode);
    v("server", x.server);
    v("protocol", x.protocol);
    v("url", x.url);
    v("fingerprint", x.fingerprint);
    v("alias", x.alias);
    v("name", x.name);
    v("project", x.project);
    v("certificate", x.certificate);
    v("secret", x.secret);
    v("image_type", x.image_type);
  }
};
template <>
struct Members<ImageCreate> {
  static void visit(auto& v, auto& x) {
    v("auto_update", x.auto_update);
    v("properties", x.properties);
    v("public", x.is_public);
    v("expires_at", x.expires_at);
    v("filename", x.filename);
    v("source", x.source);
    v("aliases", x.aliases);
  }
};
template <>
struct Members<ImageExport> {
  static void visit(auto& v, auto& x) {
    v("target", x.target);
    v("secret", x.secret);
    v("certificate", x.certificate);
    v("aliases", x.aliases);
  }
};
template <>
struct Members<Alias> {
  static void visit(auto& v, auto& x) {
    v("description", x.description);
    v("target", x.target);
    v("name", x.name);
    v("type", x.type);
  }
};
template <>
struct Members<AliasCreate> {
  static void visit(auto& v, auto& x) {
    v("description", x.description);
    v("target", x.target);
    v("name", x.name);
    v("type", x.type);
  }
};
template <>
struct Members<AliasPut> {
  static void visit(auto& v, auto& x) {
    v("description", x.description);
    v("target", x.target);
  }
};
template <>
struct Members<AliasPatch> {
  static void visit(auto& v, auto& x) {
    v("description", x.description);
    v("target", x.target);
  }
};

CELLA_API_CODEC(ImageAlias)
CELLA_API_CODEC(Image)
CELLA_API_CODEC(ImagePut)
CELLA_API_CODEC(ImagePatch)
CELLA_API_CODEC(ImageExport)
CELLA_API_CODEC(ImageSource)
CELLA_API_CODEC(ImageCreate)
CELLA_API_CODEC(Alias)
CELLA_API_CODEC(AliasCreate)
CELLA_API_CODEC(AliasPut)
CELLA_API_CODEC(AliasPatch)

}  // namespace cella::api
