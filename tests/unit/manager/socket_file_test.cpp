// Rights of socket files, whatever others put in their place.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "manager/socket_file.h"

namespace cella::manager {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat found {};
  EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
  return found.st_mode & 07777;
}

TEST(SocketFile, LinksInItsPlaceAreNotFollowed) {
  std::string dir = "/tmp/cella-socket-XXXXXX";
  ASSERT_NE(::mkdtemp(dir.data()), nullptr);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = dir + "/s";
  std::memcpy(address.sun_path, path.data(), path.size());
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // SAFETY: sockaddr_un is what the kernel expects behind sockaddr for AF_UNIX.
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const SocketFileRights rights{::getuid(), ::getgid(), 0642};
  const auto given = give_rights(path, rights);
  EXPECT_TRUE(given.ok()) << given.error().message();
  EXPECT_EQ(mode_of(path), 0642u);

  { std::ofstream file(dir + "/secret"); }
  ASSERT_EQ(::chmod((dir + "/secret").c_str(), 0600), 0);
  std::filesystem::create_symlink("secret", dir + "/link");
  EXPECT_FALSE(give_rights(dir + "/link", rights).ok());
  EXPECT_FALSE(give_rights(dir + "/secret", rights).ok());
  EXPECT_EQ(mode_of(dir + "/secret"), 0600u);
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace cella::manager
