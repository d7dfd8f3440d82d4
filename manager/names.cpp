#include "manager/names.h"

#include <algorithm>
#include <array>
#include <random>

namespace cella::manager {
namespace {

constexpr std::array<std::string_view, 64> kAdjectives{
    "able",   "amber",  "ample",   "apt",     "bold",   "brave",  "bright", "brisk",  "calm",   "candid", "civil",
    "clear",  "clever", "cosmic",  "crisp",   "deft",   "eager",  "early",  "easy",   "fair",   "fine",   "firm",
    "fleet",  "fond",   "frank",   "free",    "fresh",  "gentle", "glad",   "golden", "good",   "grand",  "happy",
    "hardy",  "honest", "humble",  "jolly",   "keen",   "kind",   "large",  "light",  "lively", "loyal",  "lucid",
    "lucky",  "mellow", "merry",   "mild",    "modest", "neat",   "nimble", "noble",  "plain",  "polite", "proud",
    "quick",  "quiet",  "rapid",   "ready",   "robust", "sharp",  "steady", "sunny",  "warm"};
constexpr std::array<std::string_view, 64> kAnimals{
    "badger", "bat",     "bear",   "beaver", "bee",    "bison",  "boar",    "camel",  "carp",   "cat",    "cicada",
    "cod",    "colt",    "condor", "crab",   "crane",  "crow",   "deer",    "dingo",  "dove",   "duck",   "eagle",
    "eel",    "elk",     "falcon", "ferret", "finch",  "fox",    "gecko",   "goose",  "grouse", "gull",   "hare",
    "hawk",   "heron",   "ibex",   "jay",    "koala",  "lark",   "lemur",   "lion",   "llama",  "lynx",   "mole",
    "moose",  "moth",    "newt",   "orca",   "otter",  "owl",    "panda",   "perch",  "pike",   "pony",   "raven",
    "robin",  "salmon",  "seal",   "stork",  "swan",   "tiger",  "trout",   "walrus", "wren"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_plain(char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f && c != '/'; }

}  // namespace

Result<void> check_instance_name(std::string_view name) {
  if (name.empty() || name.size() > 63) {
    return invalid_value("name", name, "must be 1 to 63 characters long");
  }
  if (!is_letter(name.front())) return invalid_value("name", name, "must begin with a letter");
  if (name.back() == '-') return invalid_value("name", name, "must not end with a dash");
  for (const char c : name) {
    if (!is_letter(c) && !is_digit(c) && c != '-') {
      return invalid_value("name", name, "can only contain letters, digits and dashes");
    }
  }
  return kOk;
}

Result<void> check_profile_name(std::string_view name) {
  if (name.empty() || name.size() > 63) return invalid_value("name", name, "must be 1 to 63 characters long");
  if (name == "." || name == ".." || !std::all_of(name.begin(), name.end(), is_plain)) {
    return invalid_value("name", name, "must not contain slashes or spaces, nor be \".\" or \"..\"");
  }
  return kOk;
}

Result<void> check_project_name(std::string_view name) {
  if (name.empty() || name.size() > 63) return invalid_value("project name", name, "must be 1 to 63 characters long");
  const auto fits = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.'; };
  if (name == "." || name == ".." || !std::all_of(name.begin(), name.end(), fits)) {
    return invalid_value("project name", name, "can only contain letters, digits, dashes and dots");
  }
  return kOk;
}

std::string qualified_name(std::string_view project, std::string_view name) {
  if (project.empty() || project == kDefaultProject) return std::string(name);
  return std::string(project) + "_" + std::string(name);
}

QualifiedName split_name(std::string_view qualified) {
  const auto underscore = qualified.find('_');
  if (underscore == std::string_view::npos) return {std::string(kDefaultProject), std::string(qualified)};
  return {std::string(qualified.substr(0, underscore)), std::string(qualified.substr(underscore + 1))};
}
std::string short_name(std::string_view qualified) { return split_name(qualified).name; }
std::string project_of(std::string_view qualified) { return split_name(qualified).project; }

std::string project_query(std::string_view project) {
  if (project.empty() || project == kDefaultProject) return "";
  return "?project=" + std::string(project);
}

std::string instance_url(std::string_view qualified, std::string_view tail) {
  const auto [project, name] = split_name(qualified);
  return "/1.0/instances/" + name + std::string(tail) + project_query(project);
}

Result<void> check_interface_name(std::string_view key, std::string_view name) {
  if (name.empty() || name.size() > 15) return invalid_value(key, name, "must be 1 to 15 characters long");
  const auto fits = [](char c) { return is_plain(c) && c != ':'; };
  if (name == "." || name == ".." || !std::all_of(name.begin(), name.end(), fits)) {
    return invalid_value(key, name, "is not a valid interface name");
  }
  return kOk;
}

std::string random_instance_name() {
  thread_local std::random_device source;
  const auto adjective = kAdjectives[source() % kAdjectives.size()];
  const auto animal = kAnimals[source() % kAnimals.size()];
  return std::string(adjective) + "-" + std::string(animal);
}

}  // namespace cella::manager
