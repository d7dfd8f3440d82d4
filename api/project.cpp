#include "api/project.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<Project> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("name", x.name);
    v("used_by", x.used_by);
  }
};

CELLA_API_CODEC(Project)

}  // namespace cella::api
