// One line on a terminal's standard error that shows how far long work is; nothing where there is no terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace cella::cli {

enum class Show { kNothing, kOnTerminal };

// "Importing [=====     ] 50% 12.00MB of 24.00MB (8.00MB/s)" for a line of `width` columns.
// total: 0 when unknown (then no bar). seconds: since the start; the rate is left out below 0.1.
std::string transfer_line(std::string_view label, std::uint64_t done, std::uint64_t total, double seconds, int width);

class Progress {
 public:
  // label: what is going on, for example "Importing image".
  Progress(std::string label, Show show);
  // Removes the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Draws at most ten times a second. total: 0 when unknown.
  void transferred(std::uint64_t done, std::uint64_t total);
  // Draws "label: text".
  void text(std::string_view text);

 private:
  void draw(std::string line);

  std::string label_;
  bool visible_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_draw_;
};

}  // namespace cella::cli
