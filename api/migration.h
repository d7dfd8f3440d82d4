// POST /1.0/instances/NAME with migration: where the instance is pushed to.
#pragma once

#include <string>

#include "api/values.h"

namespace cella::api {

struct MigrationTarget {
  std::string certificate;  // PEM of the target
  std::string operation;    // "https://ADDRESS/1.0/operations/UUID"
  ConfigMap secrets;        // of the operation's sockets
};

}  // namespace cella::api
