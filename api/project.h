// /1.0/projects.
#pragma once

#include <string>
#include <vector>

#include "api/values.h"

namespace cella::api {

struct Project {
  ConfigMap config;
  std::string description;
  std::string name;
  std::vector<std::string> used_by;
};

}  // namespace cella::api
