#include "api/profile.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<Profile> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("devices", x.devices);
    v("name", x.name);
    v("used_by", x.used_by);
  }
};
template <>
struct Members<ProfilePut> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("devices", x.devices);
  }
};
template <>
struct Members<ProfilePatch> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("devices", x.devices);
  }
};
template <>
struct Members<ProfileCreate> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("devices", x.devices);
    v("name", x.name);
  }
};
template <>
struct Members<Rename> {
  static void visit(auto& v, auto& x) { v("name", x.name); }
};

CELLA_API_CODEC(Profile)
CELLA_API_CODEC(ProfilePut)
CELLA_API_CODEC(ProfilePatch)
CELLA_API_CODEC(ProfileCreate)
CELLA_API_CODEC(Rename)

}  // namespace cella::api
