#include "cli/parse.h"

#include <algorithm>
#include <optional>

namespace cella::cli {
namespace {

Error with_suggestions(std::string text, std::string_view prefix, const std::vector<std::string>& names) {
  if (!names.empty()) {
    text += "\n\nDid you mean this?";
    for (const std::string& name : names) text.append("\n\t").append(prefix).append(name);
  }
  return Error(ErrorKind::kInvalid, std::move(text));
}

class Parser {
 public:
  Parser(const Command& tree, std::span<const std::string> words) : words_(words) {
    invocation_.command = &tree;
    invocation_.path = tree.name;
  }

  Result<Invocation> run() {
    while (next_ < words_.size()) TRY(take(words_[next_++]));
    if (!invocation_.command->children.empty() && !invocation_.command->run) invocation_.wants_help = true;
    const std::size_t count = invocation_.arguments.words.size();
    const Command& command = *invocation_.command;
    const bool waived = !command.waives_words.empty() && invocation_.arguments.on(command.waives_words);
    invocation_.wrong_count = (count < command.min_words && !waived) || count > command.max_words;
    return std::move(invocation_);
  }

 private:
  Result<void> take(const std::string& word) {
    if (only_words_ || word.size() < 2 || word[0] != '-') return take_word(word);
    if (word == "--") {
      only_words_ = true;
      return kOk;
    }
    return word[1] == '-' ? take_long(word.substr(2)) : take_short(word.substr(1));
  }

  Result<void> take_word(const std::string& word) {
    const bool may_descend = invocation_.arguments.words.empty() && !only_words_;
    if (may_descend && !invocation_.command->children.empty()) {
      if (const Command* child = find_child(*invocation_.command, word)) return descend(*child);
      if (!invocation_.command->run) return unknown_command(word);
    }
    invocation_.arguments.words.push_back(word);
    return kOk;
  }

  Result<void> descend(const Command& child) {
    invocation_.command = &child;
    invocation_.path.append(" ").append(child.name);
    if (child.raw) {
      invocation_.arguments.words.assign(words_.begin() + static_cast<std::ptrdiff_t>(next_), words_.end());
      next_ = words_.size();
    }
    return kOk;
  }

  Error unknown_command(const std::string& word) const {
    std::vector<std::string> names;
    for (const Command& child : invocation_.command->children) {
      if (child.hidden) continue;
      names.emplace_back(child.name);
      for (const std::string_view alias : child.aliases) names.emplace_back(alias);
    }
    return with_suggestions("unknown command \"" + word + "\" for \"" + invocation_.path + "\"", "",
                            suggestions(word, names));
  }

  Result<void> take_long(const std::string& text) {
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    const Flag* flag = find([&](const Flag& f) { return f.name == name; });
    if (flag == nullptr) return unknown_flag(name);
    if (equals != std::string::npos) return store(*flag, text.substr(equals + 1));
    if (flag->value.empty()) return store(*flag, "true");
    if (!flag->bare.empty()) return store(*flag, std::string(flag->bare));
    if (next_ == words_.size()) return Error(ErrorKind::kInvalid, "flag needs an argument: --" + name);
    return store(*flag, words_[next_++]);
  }

  // "-nT", "-c value", "-cvalue", "-c=value".
  Result<void> take_short(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      const Flag* flag = find([&](const Flag& f) { return f.letter != 0 && f.letter == text[i]; });
      if (flag == nullptr) {
        return Error(ErrorKind::kInvalid, std::string("unknown shorthand flag: '") + text[i] + "' in -" + text);
      }
      const std::string rest = text.substr(i + 1);
      if (rest.starts_with('=')) return store(*flag, rest.substr(1));
      if (flag->value.empty()) {
        TRY(store(*flag, "true"));
        continue;
      }
      if (!rest.empty()) return store(*flag, rest);
      if (next_ == words_.size()) {
        return Error(ErrorKind::kInvalid, std::string("flag needs an argument: '") + text[i] + "' in -" + text);
      }
      return store(*flag, words_[next_++]);
    }
    return kOk;
  }

  Result<void> store(const Flag& flag, std::string value) {
    if (flag.value.empty() && value != "true" && value != "false") {
      return invalid_value("--" + std::string(flag.name), value, "a switch takes true or false");
    }
    if (flag.name == "help") invocation_.wants_help = value == "true";
    if (flag.name == "version") invocation_.wants_version = value == "true";
    invocation_.arguments.flags[std::string(flag.name)].push_back(std::move(value));
    return kOk;
  }

  template <typename Predicate>
  const Flag* find(Predicate matches) const {
    for (const std::vector<Flag>* flags : {&invocation_.command->flags, &global_flags()}) {
      const auto found = std::find_if(flags->begin(), flags->end(), matches);
      if (found != flags->end()) return &*found;
    }
    return nullptr;
  }

  Error unknown_flag(const std::string& name) const {
    std::vector<std::string> names;
    for (const std::vector<Flag>* flags : {&invocation_.command->flags, &global_flags()}) {
      for (const Flag& flag : *flags) names.emplace_back(flag.name);
    }
    return with_suggestions("unknown flag: --" + name, "--", suggestions(name, names));
  }

  std::span<const std::string> words_;
  std::size_t next_ = 0;
  bool only_words_ = false;
  Invocation invocation_;
};

}  // namespace

Result<Invocation> parse(const Command& tree, std::span<const std::string> words) { return Parser(tree, words).run(); }

}  // namespace cella::cli
