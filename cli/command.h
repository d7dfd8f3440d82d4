// A command as data: one table drives parsing, help and completion.
//
// Boost.Program_options was weighed and left: it has no sub-commands, no flags with an optional value
// (--console[=vga]), no "stop at --" that keeps the rest verbatim, and its messages are not the ones users of this kind
// of tool know.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cella::cli {

class Server;

struct Flag {
  char letter = 0;              // 0: no short form
  std::string_view name;        // without dashes
  std::string_view value = {};  // placeholder of its value in the help; empty: a switch
  std::string_view help = {};
  std::string_view fallback = {};  // what it is when not given
  std::string_view bare = {};      // its value when given without one; only "--name=value" then sets another
};

// What a positional word or a flag's value names, for completion.
enum class Names {
  kNothing,
  kInstance,
  kImage,
  kProfile,
  kNetwork,
  kPool,
  kOperation,
  kFile,
  kInstanceDevice,  // a device of the instance that is the word before
  kSnapshot,        // a snapshot of the instance that is the word before
  kRemote,
  kProject,
  kAlias,    // of the user's own commands
  kCommand,  // of cella
  kProfileDevice,
  kConfigKey,
  kFormat,
};

// The words and flags of one call, already checked against the command's table.
class Arguments {
 public:
  std::vector<std::string> words;
  std::map<std::string, std::vector<std::string>, std::less<>> flags;

  bool has(std::string_view flag) const { return flags.find(flag) != flags.end(); }
  // A switch: given, and not as --flag=false.
  bool on(std::string_view flag) const;
  // The last value given, or otherwise.
  std::string text(std::string_view flag, std::string_view otherwise = {}) const;
  // Every value given, in order.
  std::vector<std::string> all(std::string_view flag) const;
  // Word i, or an empty string when fewer were given.
  std::string word(std::size_t i) const { return i < words.size() ? words[i] : std::string(); }
};

inline constexpr std::size_t kAnyNumber = static_cast<std::size_t>(-1);

struct Command {
  std::string_view name;
  std::vector<std::string_view> aliases = {};
  std::string_view usage = {};     // the words after the command in its usage line
  std::string_view summary = {};   // one line
  std::string_view details = {};   // further paragraphs of the description
  std::string_view examples = {};  // shown as written
  std::vector<Flag> flags = {};
  std::size_t min_words = 0;
  std::size_t max_words = 0;
  std::string_view waives_words = {};  // with this flag no word is needed
  std::vector<Names> completes = {};   // by position; the last one repeats
  std::vector<Command> children = {};
  // Does the work; the value is the process's exit status.
  std::function<Result<int>(Server&, const Arguments&)> run = {};
  bool hidden = false;
  bool raw = false;          // every word after the command is passed on untouched: nothing is a flag
  bool own_remotes = false;  // its words may name several remotes: it splits them itself
};

// The whole tree. program: the name the user typed.
Command command_tree();

// The flags every command takes.
const std::vector<Flag>& global_flags();

// The child of that name or alias, or nullptr.
const Command* find_child(const Command& command, std::string_view word);

}  // namespace cella::cli
