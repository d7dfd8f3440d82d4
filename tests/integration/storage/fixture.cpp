#include "tests/integration/storage/fixture.h"

#include <grp.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/files.h"
#include "base/spawn.h"
#include "base/syscalls.h"
#include "storage/acl_attribute.h"
#include "storage/id_mapped.h"

namespace cella::storage {
namespace {

// The daemon has a mount namespace of its own; so have these tests, before any thread is started.
class PrivateMounts : public testing::Environment {
 public:
  void SetUp() override {
    if (::geteuid() != 0) return;
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(sys_mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr), 0);
  }
};
const auto* const kEnvironment = testing::AddGlobalTestEnvironment(new PrivateMounts);

}  // namespace

void shell(const std::string& command) {
  const Result<std::string> done = run_checked(Program{.path = "sh", .arguments = {"-ec", command}});
  ASSERT_TRUE(done.ok()) << command << ": " << done.error().message();
}

void StorageTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  char name[] = "/var/tmp/cella-storage-test-XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  directory_ = name;
}

void StorageTest::TearDown() {
  if (directory_.empty()) return;
  EXPECT_TRUE(host_mounts_with(directory_).empty());
  shell("awk '{print $5}' /proc/self/mountinfo | grep '^" + directory_ +
        "' | tac | while read p; do umount -l $p; done || true");
  shell("rm -rf --one-file-system " + directory_);
  EXPECT_TRUE(loops_with(directory_).empty());
}

void make_sample_tree(const std::string& directory) {
  shell("mkdir -p " + directory + " && cd " + directory +
        " && mkdir -p etc usr/bin home/user var/empty && chmod 755 . && echo sample > etc/hostname"
        " && echo '#!/bin/sh' > usr/bin/su && chmod 4755 usr/bin/su"
        " && cp /bin/true usr/bin/ping && setcap cap_net_raw+ep usr/bin/ping"
        " && ln usr/bin/su usr/bin/su2 && ln -s usr/bin bin"
        " && echo mine > home/user/file && chown -R 1000:1000 home/user"
        " && setfattr -n user.note -v hello home/user/file"
        " && truncate -s 8M var/hole && echo end >> var/hole && chown 100:65534 var/hole && chmod 1777 var/empty"
        " && mkfifo var/fifo && mkdir 'var/\xc3\xa4\xc3\xb6' && touch -d 2001-02-03 etc");
  const std::string acl = sample_acl();
  const std::string file = directory + "/home/user/file";
  ASSERT_EQ(::setxattr(file.c_str(), "system.posix_acl_access", acl.data(), acl.size(), 0), 0);
}

std::string sample_acl() { return encode_acl({{1, 6, ~0u}, {2, 4, 1001}, {4, 4, ~0u}, {16, 4, ~0u}, {32, 4, ~0u}}); }

std::string make_unified(const std::string& directory, const std::string& compression) {
  const std::string tree = directory + "/unified-tree";
  if (!path_exists(tree)) {
    make_sample_tree(tree + "/rootfs");
    std::ofstream(tree + "/metadata.yaml") << kSampleMetadata;
    shell("mkdir " + tree + "/templates && echo x > " + tree + "/templates/hostname.tpl");
  }
  const std::string file = directory + "/unified.tar" + (compression.empty() ? "" : "." + compression);
  shell("tar --xattrs --xattrs-include='*' --acls --numeric-owner --auto-compress -S -C " + tree + " -cf " + file +
        " metadata.yaml templates rootfs");
  return file;
}

SplitImage make_split(const std::string& directory, const std::string& rootfs) {
  const std::string tree = directory + "/split-tree";
  if (!path_exists(tree)) {
    make_sample_tree(tree);
    shell("mkdir " + directory + "/meta");
    std::ofstream(directory + "/meta/metadata.yaml") << kSampleMetadata;
  }
  SplitImage image{directory + "/meta.tar.xz", directory + "/root." + rootfs};
  shell("tar -C " + directory + "/meta -caf " + image.metadata + " metadata.yaml");
  if (rootfs == "squashfs") {
    shell("mksquashfs " + tree + " " + image.rootfs + " -quiet -no-progress -comp zstd");
  } else if (rootfs == "erofs") {
    shell("mkfs.erofs --quiet -zlz4 " + image.rootfs + " " + tree);
  } else {
    shell("tar --xattrs --xattrs-include='*' --acls --numeric-owner -S -C " + tree + " -cf " + image.rootfs + " .");
  }
  return image;
}

std::string look_as_container(const Fd& mount, const IdMap& map, const std::function<std::string()>& look) {
  const Result<Fd> user_namespace = user_namespace_for(map);
  if (!user_namespace.ok()) return user_namespace.error().message();
  Result<Pipe> pipe = make_pipe();
  if (!pipe.ok()) return pipe.error().message();
  const pid_t child = ::fork();
  if (child == 0) {
    std::string text;
    if (::setns(user_namespace->get(), CLONE_NEWUSER) != 0 || ::unshare(CLONE_NEWNS) != 0 ||
        ::setgroups(0, nullptr) != 0 || ::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0 ||
        ::fchdir(mount.get()) != 0 || ::chroot(".") != 0) {
      text = "cannot enter: errno " + std::to_string(errno);
    } else {
      ::umask(022);
      text = look();
    }
    static_cast<void>(write_all(pipe->write_end, text));
    ::_exit(0);
  }
  pipe->write_end.reset();
  Result<std::string> text = read_to_end(pipe->read_end);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) return "child status " + std::to_string(status);
  return text.ok() ? *text : text.error().message();
}

std::vector<std::string> host_mounts_with(const std::string& text) {
  std::ifstream table("/proc/1/mountinfo");
  std::vector<std::string> found;
  for (std::string line; std::getline(table, line);)
    if (line.find(text) != std::string::npos) found.push_back(line);
  return found;
}

std::vector<std::string> loops_with(const std::string& text) {
  std::vector<std::string> found;
  const Result<DirFd> blocks = open_dir("/sys/block");
  const Result<std::vector<std::string>> names = list_names(*blocks);
  for (const std::string& name : *names) {
    const Result<std::string> file = read_file("/sys/block/" + name + "/loop/backing_file");
    if (file.ok() && file->find(text) != std::string::npos) found.push_back(name);
  }
  return found;
}

IdMap map_at(std::uint32_t first) { return *IdMap::isolated(first); }

}  // namespace cella::storage
