// As init of a container: gives the console up, lets two sessions take it and end, which hangs it up each time, then
// writes to it once more.
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

void say(int fd, const char* text, unsigned long length) {
  if (::write(fd, text, length) < 0) ::_exit(2);
}

void run_session() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    const int console = ::open("/dev/console", O_RDWR | O_NOCTTY);
    if (console < 0 || ::ioctl(console, TIOCSCTTY, 0) != 0) ::_exit(1);
    say(console, "session\n", 8);
    ::_exit(0);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) ::_exit(3);
}

}  // namespace

int main() {
  ::signal(SIGHUP, SIG_IGN);
  if (::ioctl(0, TIOCNOTTY) != 0) return 1;
  run_session();
  run_session();
  const int console = ::open("/dev/console", O_RDWR | O_NOCTTY);
  if (console < 0) return 4;
  say(console, "after\n", 6);
  for (;;) ::pause();
}
