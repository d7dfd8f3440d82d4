// A directory that looks like a cgroup tree to production code: ordinary files in a temporary directory.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

#include "cgroups/hierarchy.h"

namespace cella::cgroups {

class FakeTree {
 public:
  FakeTree() {
    std::string name = (std::filesystem::temp_directory_path() / "cella-cgroups.XXXXXX").string();
    path_ = ::mkdtemp(name.data());
    put("cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
    put("cgroup.subtree_control", "");
  }
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;
  ~FakeTree() { std::filesystem::remove_all(path_); }

  void put(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file) << text;
  }
  // What was written last; a regular file keeps the tail of a longer older text, so start from empty files.
  std::string get(const std::string& file) const {
    std::ifstream stream(path_ / file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  bool has(const std::string& file) const { return std::filesystem::exists(path_ / file); }
  std::string path(const std::string& file = {}) const { return file.empty() ? path_.string() : (path_ / file).string(); }

  Hierarchy hierarchy() const {
    return Hierarchy(open_dir(path_.string()).value(), path_.string(), {"cgroup.procs", "cgroup.threads"});
  }
  Cgroup cgroup(const std::string& name) const {
    std::filesystem::create_directories(path_ / name);
    return Cgroup(open_dir((path_ / name).string()).value(), (path_ / name).string());
  }

 private:
  std::filesystem::path path_;
};

}  // namespace cella::cgroups
