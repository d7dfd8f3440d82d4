#include "cli/completion.h"

#include <algorithm>
#include <iterator>

namespace cella::cli {
namespace {

constexpr std::string_view kConfigKeys[] = {
    "boot.autostart=",       "boot.autostart.delay=", "boot.autostart.priority=", "boot.host_shutdown_timeout=",
    "environment.",          "limits.cpu=",           "limits.cpu.allowance=",    "limits.cpu.priority=",
    "limits.disk.priority=", "limits.kernel.",        "limits.memory=",           "limits.memory.enforce=",
    "limits.memory.swap=",   "limits.processes=",     "security.nesting=",        "user."};

const Flag* flag_of(const Command& command, std::string_view word) {
  const auto matches = [&](const Flag& flag) {
    if (word.starts_with("--")) return flag.name == word.substr(2);
    return word.size() == 2 && flag.letter != 0 && flag.letter == word[1];
  };
  for (const std::vector<Flag>* flags : {&command.flags, &global_flags()}) {
    const auto found = std::find_if(flags->begin(), flags->end(), matches);
    if (found != flags->end()) return &*found;
  }
  return nullptr;
}

Names names_of_flag(const Flag& flag) {
  if (flag.name == "profile") return Names::kProfile;
  if (flag.name == "network") return Names::kNetwork;
  if (flag.name == "storage") return Names::kPool;
  if (flag.name == "format") return Names::kFormat;
  if (flag.name == "config") return Names::kConfigKey;
  return Names::kNothing;
}

// Where the cursor stands.
struct Place {
  const Command* command;
  std::vector<std::string> words;  // before the cursor
  const Flag* awaiting_value = nullptr;
  bool only_words = false;
};

Place walk(const Command& tree, std::span<const std::string> before) {
  Place place{.command = &tree, .words = {}};
  for (const std::string& word : before) {
    if (place.awaiting_value != nullptr) {
      place.awaiting_value = nullptr;
    } else if (!place.only_words && word == "--") {
      place.only_words = true;
    } else if (!place.only_words && word.size() > 1 && word[0] == '-') {
      const Flag* flag = flag_of(*place.command, word);
      if (flag != nullptr && !flag->value.empty() && flag->bare.empty()) place.awaiting_value = flag;
    } else if (const Command* child = place.words.empty() ? find_child(*place.command, word) : nullptr) {
      place.command = child;
    } else {
      place.words.push_back(word);
    }
  }
  return place;
}

std::vector<std::string> flags_of(const Command& command) {
  std::vector<std::string> out;
  for (const std::vector<Flag>* flags : {&command.flags, &global_flags()}) {
    for (const Flag& flag : *flags) out.push_back("--" + std::string(flag.name));
  }
  return out;
}

std::vector<std::string> values_of(Names kind, const std::string& owner, const NameSource& names) {
  if (kind == Names::kNothing || kind == Names::kFile) return {};
  if (kind == Names::kFormat) return {"compact", "csv", "json", "table", "yaml"};
  if (kind == Names::kConfigKey) return {std::begin(kConfigKeys), std::end(kConfigKeys)};
  return names(kind, owner);
}

std::vector<std::string> words_of(const Place& place, const NameSource& names) {
  if (!place.command->children.empty() && place.words.empty()) {
    std::vector<std::string> out;
    for (const Command& child : place.command->children) {
      if (!child.hidden) out.emplace_back(child.name);
    }
    return out;
  }
  const auto& completes = place.command->completes;
  if (completes.empty() || place.words.size() >= place.command->max_words) return {};
  const std::string owner = place.words.empty() ? std::string() : place.words[0];
  return values_of(completes[std::min(place.words.size(), completes.size() - 1)], owner, names);
}

}  // namespace

std::vector<std::string> complete(const Command& tree, std::span<const std::string> words, const NameSource& names) {
  const std::string typed = words.empty() ? std::string() : words.back();
  const Place place = walk(tree, words.empty() ? words : words.first(words.size() - 1));
  std::vector<std::string> candidates;
  if (place.awaiting_value != nullptr)
    candidates = values_of(names_of_flag(*place.awaiting_value), {}, names);
  else if (typed.starts_with('-') && !place.only_words)
    candidates = flags_of(*place.command);
  else
    candidates = words_of(place, names);
  std::erase_if(candidates, [&](const std::string& candidate) { return !candidate.starts_with(typed); });
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  return candidates;
}

std::string bash_script() {
  return R"(# Bash completion of cella. Load it with:  source <(cella completion bash)
_cella() {
  local words cword cur
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n =: words cword cur
  else
    words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]}
  fi
  local IFS=$'\n'
  COMPREPLY=($(cella __complete "${words[@]:1:cword}" 2>/dev/null))
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[.=] ]]; then compopt -o nospace; fi
  if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$cur"; fi
}
complete -o default -F _cella cella
)";
}

}  // namespace cella::cli
