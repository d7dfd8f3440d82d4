// LXD's ?filter= of collections: `name eq c1 and (status eq Running or config.user.a ne b)`.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/json.h"
#include "base/result.h"

namespace cella::daemon {

// A parsed filter. Grammar, as in LXD's doc/rest-api: clauses `[not] FIELD eq|ne VALUE` joined by `and`/`or`, read from
// left to right without precedence (as LXD does); parentheses group. VALUE may be quoted with '"' or "'"; comparison
// of text and booleans is without case, numbers compare as numbers.
class Filter {
 public:
  // Errors: kInvalid naming the filter and the spot.
  static Result<Filter> parse(std::string_view text);

  // FIELD is a path of members, joined by dots. Of an object's keys that hold dots themselves (config) the longest that
  // fits is taken. A missing member compares as the empty string.
  bool matches(api::JsonView object) const;
  // Nothing to check: everything matches.
  bool empty() const { return root_ == nullptr; }

  struct Node;

 private:
  std::shared_ptr<const Node> root_;
};

}  // namespace cella::daemon
