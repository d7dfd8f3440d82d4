// A user's own commands: an alias stands for the words it was given.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cella::cli {

// Splits at blanks; "…" and '…' keep them, \ takes the next character as it is. Errors: kInvalid for an open quote.
Result<std::vector<std::string>> split_quoted(std::string_view text);

// words without an alias at their front (flags may stand before it): nullopt. Else the words it stands for, once: what
// an alias says is not searched for aliases again. The alias's name may be several words; the longest fits first.
//
// @ARGS@ stands for the words that follow, @ARG1@ for the first of them and so on; a word that is used so is not added
// again, and words that are not used at all come at the end.
// Built in: "shell" is "exec @ARGS@ -- su -l".
// Errors: kInvalid naming the alias: an open quote, nothing in it, or @ARGn@ without such a word.
Result<std::optional<std::vector<std::string>>> expand_alias(const std::map<std::string, std::string>& aliases,
                                                             std::span<const std::string> words);

}  // namespace cella::cli
