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

template <>
struct Members<ProjectPut> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
  }
};

template <>
struct Members<ProjectPatch> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
  }
};

template <>
struct Members<InProject> {
  static void visit(auto& v, auto& x) { v("project", x.project); }
};

template <>
struct Members<ProjectCreate> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("name", x.name);
  }
};

template <>
struct Members<ProjectResource> {
  static void visit(auto& v, auto& x) {
    v("Limit", x.limit);
    v("Usage", x.usage);
  }
};

template <>
struct Members<ProjectState> {
  static void visit(auto& v, auto& x) { v("resources", x.resources); }
};

CELLA_API_CODEC(Project)
CELLA_API_CODEC(ProjectPut)
CELLA_API_CODEC(ProjectPatch)
CELLA_API_CODEC(InProject)
CELLA_API_CODEC(ProjectCreate)
CELLA_API_CODEC(ProjectState)

}  // namespace cella::api
