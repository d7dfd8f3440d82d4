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
  if (flag.name == "project" || flag.name == "target-project") return Names::kProject;
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

// What of a server can be named "REMOTE:NAME".
bool may_be_remote(Names kind) {
  return kind == Names::kInstance || kind == Names::kImage || kind == Names::kProfile || kind == Names::kNetwork ||
         kind == Names::kPool;
}

void append_with_prefix(const std::string& prefix, std::vector<std::string> names, std::vector<std::string>& out) {
  for (std::string& name : names) out.push_back(prefix + name);
}

// typed: what stands before the cursor of the word.
std::vector<std::string> server_names(Names kind, const std::string& owner, std::string typed,
                                      const NameSource& names) {
  std::vector<std::string> out;
  const std::size_t colon = may_be_remote(kind) ? typed.find(':') : std::string::npos;
  const std::string prefix = colon == std::string::npos ? std::string() : typed.substr(0, colon + 1);
  const std::string remote = prefix.substr(0, prefix.empty() ? 0 : prefix.size() - 1);
  typed.erase(0, prefix.size());
  const std::size_t slash = kind == Names::kInstance ? typed.find('/') : std::string::npos;
  if (slash != std::string::npos) {
    const std::string instance = typed.substr(0, slash);
    append_with_prefix(prefix + instance + "/", names({Names::kSnapshot, instance, remote}), out);
    return out;
  }
  append_with_prefix(prefix, names({kind, owner, remote}), out);
  if (prefix.empty() && may_be_remote(kind)) {
    for (const std::string& other : names({Names::kRemote})) out.push_back(other + ":");
  }
  return out;
}

std::vector<std::string> values_of(Names kind, const std::string& owner, const std::string& typed,
                                   const NameSource& names) {
  if (kind == Names::kNothing || kind == Names::kFile) return {};
  if (kind == Names::kFormat) return {"compact", "csv", "json", "table", "yaml"};
  if (kind == Names::kConfigKey) return {std::begin(kConfigKeys), std::end(kConfigKeys)};
  return server_names(kind, owner, typed, names);
}

std::vector<std::string> child_names(const Command& command) {
  std::vector<std::string> out;
  for (const Command& child : command.children) {
    if (!child.hidden) out.emplace_back(child.name);
  }
  return out;
}

std::vector<std::string> words_of(const Command& tree, const Place& place, const std::string& typed,
                                  const NameSource& names) {
  if (!place.command->children.empty() && place.words.empty()) {
    auto out = child_names(*place.command);
    // The user's own commands stand beside the others.
    if (place.command == &tree) append_with_prefix({}, names({Names::kAlias}), out);
    if (place.command->completes.empty()) return out;
    append_with_prefix({}, values_of(place.command->completes[0], {}, typed, names), out);
    return out;
  }
  const auto& completes = place.command->completes;
  if (completes.empty() || place.words.size() >= place.command->max_words) return {};
  const std::string owner = place.words.empty() ? std::string() : place.words[0];
  const Names kind = completes[std::min(place.words.size(), completes.size() - 1)];
  return kind == Names::kCommand ? child_names(tree) : values_of(kind, owner, typed, names);
}

}  // namespace

std::vector<std::string> complete(const Command& tree, std::span<const std::string> words, const NameSource& names) {
  const std::string typed = words.empty() ? std::string() : words.back();
  const Place place = walk(tree, words.empty() ? words : words.first(words.size() - 1));
  std::vector<std::string> candidates;
  if (place.awaiting_value != nullptr)
    candidates = values_of(names_of_flag(*place.awaiting_value), {}, typed, names);
  else if (typed.starts_with('-') && !place.only_words)
    candidates = flags_of(*place.command);
  else
    candidates = words_of(tree, place, typed, names);
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
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[.=:] ]]; then compopt -o nospace; fi
  if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$cur"; fi
}
complete -o default -F _cella cella
)";
}

std::string zsh_script() {
  return R"(#compdef cella
# Zsh completion of cella. Load it with:  source <(cella completion zsh)
_cella() {
  local -a candidates open closed
  candidates=("${(@f)$(cella __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  # What ends in one of these goes on: no blank after it.
  open=(${(M)candidates:#*[.=:]}) closed=(${candidates:#*[.=:]})
  (( $#open + $#closed )) || { _files; return }
  compadd -S '' -- $open
  compadd -- $closed
}
compdef _cella cella
)";
}

}  // namespace cella::cli
