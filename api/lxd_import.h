// /internal/import-lxd: instances of a stopped LXD.
#pragma once

#include <string>

namespace cella::api {

struct LxdInstance {
  std::string pool;
  std::string name;      // "NAME", or "PROJECT_NAME"
  std::string obstacle;  // why it cannot be taken over; empty: it can
};

struct LxdImportPost {
  std::string lxd_dir;
  std::string source_pool;
  std::string name;
  std::string pool;  // to put it in; empty: one of the same name, else the default profile's
};

}  // namespace cella::api
