#include "cli/help.h"

#include <algorithm>

namespace cella::cli {
namespace {

std::string indented(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (!line.empty()) out.append("  ").append(line);
    out += '\n';
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string flag_title(const Flag& flag) {
  std::string title = flag.letter == 0 ? "    " : std::string("-") + flag.letter + ", ";
  title.append("--").append(flag.name);
  if (!flag.bare.empty()) {
    title.append("[=").append(flag.value).append("]");
  } else if (!flag.value.empty()) {
    title.append(" <").append(flag.value).append(">");
  }
  return title;
}

std::string flag_list(const std::vector<Flag>& flags) {
  std::size_t width = 0;
  for (const Flag& flag : flags) width = std::max(width, flag_title(flag).size());
  std::string out;
  for (const Flag& flag : flags) {
    std::string title = flag_title(flag);
    title.resize(width + 3, ' ');
    out.append("  ").append(title).append(flag.help);
    if (!flag.fallback.empty()) out.append(" (default ").append(flag.fallback).append(")");
    out += '\n';
  }
  return out;
}

std::string child_list(const Command& command) {
  std::size_t width = 0;
  for (const Command& child : command.children) width = std::max(width, child.name.size());
  std::string out;
  for (const Command& child : command.children) {
    if (child.hidden) continue;
    std::string name(child.name);
    name.resize(width + 3, ' ');
    out.append("  ").append(name).append(child.summary).append("\n");
  }
  return out;
}

// Every command below, each with its words: "device add   Add a device".
void append_descendants(const Command& command, const std::string& words, std::string& out) {
  for (const Command& child : command.children) {
    if (child.hidden) continue;
    std::string name = words + std::string(child.name);
    if (child.children.empty()) out += "  " + name + "   " + std::string(child.summary) + "\n";
    append_descendants(child, name + " ", out);
  }
}

}  // namespace

std::string help_text(const Command& command, const std::string& path, HelpDepth depth) {
  std::string out = "Description:\n" + indented(command.summary);
  if (!command.details.empty()) out += "\n" + indented(command.details);
  out.append("\nUsage:\n  ").append(path);
  if (!command.usage.empty()) out.append(" ").append(command.usage);
  if (!command.children.empty()) out.append(" <command>");
  const bool flags_placed = command.usage.find("[flags]") != std::string_view::npos;
  if (!command.flags.empty() && !flags_placed) out.append(" [flags]");
  out += '\n';
  if (!command.aliases.empty()) {
    out.append("\nAliases:\n  ").append(command.name);
    for (const std::string_view alias : command.aliases) out.append(", ").append(alias);
    out += '\n';
  }
  if (!command.examples.empty()) out += "\nExamples:\n" + indented(command.examples);
  if (!command.children.empty()) out += "\nCommands:\n";
  if (depth == HelpDepth::kAll) append_descendants(command, {}, out);
  if (depth == HelpDepth::kChildren) out += child_list(command);
  if (!command.flags.empty()) out += "\nFlags:\n" + flag_list(command.flags);
  out += "\nGlobal flags:\n" + flag_list(global_flags());
  if (!command.children.empty()) out.append("\n\"").append(path).append(" <command> --help\" says more about one.\n");
  return out;
}

}  // namespace cella::cli
