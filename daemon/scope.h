// In which project a request works.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "daemon/message.h"
#include "manager/projects.h"

namespace cella::daemon {

// Whether the sender may know of what such an address names: by the project in its query.
bool may_see_url(const Request& request, std::string_view url);

// Fills the request's project and where the nouns of that project are, and makes the parameter "name" of instances'
// routes the qualified name. Must not block.
// Errors: kNotFound for a project that is not there (only to those who are trusted) and for names no instance can have.
Result<void> find_scope(Request& request, const manager::Projects& projects);

// The object without those of its users that the sender may not know of.
template <typename Object>
Object as_seen(const Request& request, Object object) {
  std::erase_if(object.used_by, [&](const std::string& url) { return !may_see_url(request, url); });
  return object;
}

// ?all-projects=true. Errors: kInvalid.
Result<bool> asks_for_all_projects(const Request& request);

// Whether a list asked for by the request shows what is in a project.
bool shows_project(const Request& request, bool all, const std::string& wanted, const std::string& project);

}  // namespace cella::daemon
