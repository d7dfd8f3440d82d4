// Which names instances, profiles and projects may have, how they are told apart between projects, and making one up.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::manager {

// A host name label: 1 to 63 of [a-zA-Z0-9-], beginning with a letter, not ending with a dash. Errors: kInvalid.
Result<void> check_instance_name(std::string_view name);

// 1 to 63 bytes without '/', spaces and control characters; not "." nor "..". Errors: kInvalid.
Result<void> check_profile_name(std::string_view name);

// 1 to 15 bytes without '/', ':', spaces and control characters; not "." nor ".." (the kernel's dev_valid_name).
Result<void> check_interface_name(std::string_view key, std::string_view name);

// 1 to 63 of [a-zA-Z0-9.-], so that it can be part of a cgroup's and a volume's name; not "." nor "..".
// Errors: kInvalid.
Result<void> check_project_name(std::string_view name);

inline constexpr std::string_view kDefaultProject = "default";

// What instances, their volumes, cgroups, keeper ids and log directories are known by on this host: "NAME" in the
// default project, "PROJECT_NAME" elsewhere. Neither part has an underscore of its own, so the two can be told apart.
std::string qualified_name(std::string_view project, std::string_view name);
struct QualifiedName {
  std::string project;
  std::string name;
};
QualifiedName split_name(std::string_view qualified);
std::string short_name(std::string_view qualified);
std::string project_of(std::string_view qualified);

// "" for the default project, else "?project=PROJECT".
std::string project_query(std::string_view project);
// "/1.0/instances/NAME" + tail, with the project's query.
std::string instance_url(std::string_view qualified, std::string_view tail = "");

// An adjective and an animal with a dash between: a valid instance name, picked at random.
std::string random_instance_name();

}  // namespace cella::manager
