// Runs inside a container under test and prints what it sees, one "key value" per line.
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <dirent.h>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

std::string read_text(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "errno " + std::to_string(errno);
  std::string text(1u << 16, '\0');
  const ssize_t length = read(fd, text.data(), text.size());
  close(fd);
  text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return text;
}

int number(const char* text) {
  int value = 0;
  std::from_chars(text, text + std::strlen(text), value);
  return value;
}

void print_ids() {
  std::printf("uid %d\ngid %d\ngroups %d\npid %d\n", static_cast<int>(getuid()), static_cast<int>(getgid()),
              getgroups(0, nullptr), static_cast<int>(getpid()));
  std::printf("session %d\n", static_cast<int>(getsid(0)));
  std::printf("umask %o\n", static_cast<unsigned>(umask(0)));
}

void print_status() {
  const std::string status = read_text("/proc/self/status");
  for (const char* key :
       {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "SigIgn", "SigBlk"}) {
    const std::size_t at = status.find("\n" + std::string(key) + ":\t");
    const std::size_t begin = at + std::strlen(key) + 3;
    std::printf("%s %s\n", key, status.substr(begin, status.find('\n', begin) - begin).c_str());
  }
}

void print_namespaces() {
  for (const char* name : {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"}) {
    char link[64] = {};
    const ssize_t length = readlink(("/proc/self/ns/" + std::string(name)).c_str(), link, sizeof link - 1);
    std::printf("ns-%s %s\n", name, length > 0 ? link : "none");
  }
}

void print_descriptors() {
  DIR* directory = opendir("/proc/self/fd");
  std::string open_ones;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.' || number(entry->d_name) == dirfd(directory)) continue;
    open_ones += std::string(open_ones.empty() ? "" : ",") + entry->d_name;
  }
  closedir(directory);
  std::printf("fds %s\n", open_ones.c_str());
}

// "1:3 666" of a device node, "errno N" when it is missing.
void print_node(const char* path) {
  struct stat status {};
  if (lstat(path, &status) != 0) {
    std::printf("node-%s errno %d\n", path, errno);
    return;
  }
  std::printf("node-%s %c %u:%u %o %u\n", path,
              S_ISCHR(status.st_mode)   ? 'c'
              : S_ISDIR(status.st_mode) ? 'd'
                                        : 'f',
              major(status.st_rdev), minor(status.st_rdev), status.st_mode & 07777u, status.st_uid);
}

void print_calls() {
  errno = 0;
  syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 0, 0, 0);
  std::printf("call-keyctl %d\n", errno);
  errno = 0;
  syscall(SYS_bpf, 0, nullptr, 0);
  std::printf("call-bpf %d\n", errno);
  errno = 0;
  char letter = 'x';
  ioctl(0, TIOCSTI, &letter);
  std::printf("call-tiocsti %d\n", errno);
  errno = 0;
  const int audit = socket(AF_NETLINK, SOCK_RAW, 9);
  std::printf("call-audit %d\n", audit < 0 ? errno : 0);
  errno = 0;
  std::printf("call-mknod %d\n", mknod("/dev/shm/sda", S_IFBLK | 0600, makedev(8, 0)) < 0 ? errno : 0);
  errno = 0;
  std::printf("call-mount %d\n", mount("none", "/dev/shm", "tmpfs", 0, nullptr) < 0 ? errno : 0);
}

void print_host_name() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  std::printf("hostname %s\n", name);
}

}  // namespace

// Without arguments prints everything; "cat PATH" a file, "write PATH TEXT" the errno of writing it, "exit N", "kill N"
// raises a signal after resetting it, "wait" sleeps until a signal, "trap N" exits with 40 + N on signal N, "tty"
// prints the terminal's state.
int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "exit") return number(argv[2]);
  if (verb == "wait") {
    std::printf("ready\n");
    std::fflush(stdout);
    while (true) pause();
  }
  if (verb == "trap") {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number(argv[2]));
    sigprocmask(SIG_BLOCK, &set, nullptr);
    std::printf("ready\n");
    std::fflush(stdout);
    int signal = 0;
    sigwait(&set, &signal);
    return 40 + signal;
  }
  if (verb == "cat") {
    std::fputs(read_text(argv[2]).c_str(), stdout);
    return 0;
  }
  if (verb == "write") {
    const int fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
    const bool written = fd >= 0 && write(fd, argv[3], std::strlen(argv[3])) > 0;
    std::printf("%d\n", written ? 0 : errno);
    return 0;
  }
  if (verb == "stat") {
    for (int index = 2; index < argc; ++index) print_node(argv[index]);
    return 0;
  }
  if (verb == "tty") {
    winsize size{};
    ioctl(0, TIOCGWINSZ, &size);
    std::printf("tty %s %d %d pgrp %d\n", ttyname(0), size.ws_row, size.ws_col, static_cast<int>(tcgetpgrp(0)));
    return 0;
  }
  print_ids();
  print_host_name();
  print_status();
  print_namespaces();
  print_descriptors();
  for (const char* path : {"/dev/null", "/dev/tty", "/dev/console", "/dev/fuse", "/dev/sda"}) print_node(path);
  print_calls();
  return 0;
}
