#include "cli/password_prompt.h"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace cella::cli {

Result<std::string> ask_password(const std::string& prompt) {
  std::printf("%s: ", prompt.c_str());
  std::fflush(stdout);
  termios before{};
  const bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
  if (terminal) {
    termios hidden = before;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  std::string line;
  const bool read = static_cast<bool>(std::getline(std::cin, line));
  if (terminal) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::printf("\n");
  }
  return read ? Result<std::string>(std::move(line)) : Error(ErrorKind::kCancelled, "no password was given");
}

}  // namespace cella::cli
