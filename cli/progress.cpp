#include "cli/progress.h"

#include <unistd.h>
#include <algorithm>
#include <cstdio>

#include "cli/quantity.h"
#include "cli/table.h"
#include "cli/terminal.h"

namespace cella::cli {
namespace {

constexpr int kMinBar = 10;
constexpr int kMaxBar = 40;
// The numbers beside the bar change their width; the bar must not jump with each of them.
constexpr int kBarStep = 10;

std::string bar(double fraction, int width) {
  const int filled = std::clamp(static_cast<int>(fraction * width), 0, width);
  std::string out = "[" + std::string(static_cast<std::size_t>(filled), '=');
  if (filled < width) out += '>';
  out.resize(static_cast<std::size_t>(width) + 1, ' ');
  return out + "] ";
}

}  // namespace

std::string transfer_line(std::string_view label, std::uint64_t done, std::uint64_t total, double seconds, int width) {
  std::string tail;
  if (total > 0) {
    tail = std::to_string(std::min<std::uint64_t>(100, done * 100 / total)) + "% " + decimal_size(done) + " of " +
           decimal_size(total);
  } else {
    tail = decimal_size(done);
  }
  if (seconds >= 0.1) {
    tail += " (" + decimal_size(static_cast<std::uint64_t>(static_cast<double>(done) / seconds)) + "/s)";
  }
  std::string line = std::string(label) + " ";
  const int spare = width - static_cast<int>(line.size() + tail.size()) - 4;
  if (total > 0 && spare >= kMinBar) {
    line += bar(static_cast<double>(done) / static_cast<double>(total), std::min(spare, kMaxBar) / kBarStep * kBarStep);
  }
  return line + tail;
}

Progress::Progress(std::string label, Show show)
    : label_(std::move(label)),
      visible_(show == Show::kOnTerminal && is_terminal(STDERR_FILENO)),
      start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\033[K", stderr);
}

void Progress::transferred(std::uint64_t done, std::uint64_t total) {
  const auto now = std::chrono::steady_clock::now();
  const bool last = total > 0 && done >= total;
  if (!visible_ || (!last && now - last_draw_ < std::chrono::milliseconds(100))) return;
  last_draw_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  draw(transfer_line(label_, done, total, seconds, terminal_size(STDERR_FILENO).value_or(TerminalSize{}).columns));
}

void Progress::text(std::string_view text) {
  if (visible_) draw(label_ + ": " + std::string(text));
}

void Progress::draw(std::string line) {
  const auto width = static_cast<std::size_t>(terminal_size(STDERR_FILENO).value_or(TerminalSize{}).columns);
  if (display_width(line) >= width && line.size() >= width) line.resize(width - 1);
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace cella::cli
