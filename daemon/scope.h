// In which project a request works.
#pragma once

#include "base/result.h"
#include "daemon/message.h"
#include "manager/projects.h"

namespace cella::daemon {

// Fills the request's project and where the nouns of that project are, and makes the parameter "name" of instances'
// routes the qualified name. Must not block.
// Errors: kNotFound for a project that is not there (only to those who are trusted) and for names no instance can have.
Result<void> find_scope(Request& request, const manager::Projects& projects);

// ?all-projects=true. Errors: kInvalid.
Result<bool> asks_for_all_projects(const Request& request);

// Whether a list asked for by the request shows what is in a project.
bool shows_project(const Request& request, bool all, const std::string& wanted, const std::string& project);

}  // namespace cella::daemon
