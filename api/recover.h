// /internal/recover/…: what `admin recover` asks. On the wire the members are spelled as LXD spells them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cella::api {

// A pool to look into: a known one by its name, or one that is to be found again.
struct RecoverPool {
  std::string name;
  std::string driver;
  std::string description;
  std::map<std::string, std::string> config;
};

struct RecoverPost {
  std::vector<RecoverPool> pools;
};

struct RecoverVolume {
  std::string name;
  std::string type;  // "container", "custom"
  std::int64_t snapshot_count = 0;
  std::string project;
  std::string pool;
};

struct RecoverFindings {
  std::vector<RecoverVolume> volumes;
  std::vector<std::string> obstacles;
};

}  // namespace cella::api
