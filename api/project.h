// /1.0/projects.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/values.h"

namespace cella::api {

struct ProjectPut {
  ConfigMap config;
  std::string description;
};
struct ProjectPatch {
  ConfigMap config;
  std::optional<std::string> description;
};
struct ProjectCreate {
  ConfigMap config;
  std::string description;
  std::string name;
};

// What a preseed's networks and profiles have besides their own members. Empty: "default".
struct InProject {
  std::string project;
};

// GET /1.0/projects/NAME/state. Limit -1: none.
struct ProjectResource {
  std::int64_t limit = -1;
  std::int64_t usage = 0;
};
struct ProjectState {
  std::map<std::string, ProjectResource> resources;
};

struct Project {
  ConfigMap config;
  std::string description;
  std::string name;
  std::vector<std::string> used_by;
};

}  // namespace cella::api
