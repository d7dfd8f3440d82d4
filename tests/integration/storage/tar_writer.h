// Writes tar archives byte by byte, so that tests can make ones that no honest program would.
#pragma once

#include <cstdint>
#include <string>

namespace cella::storage {

class TarWriter {
 public:
  struct Member {
    std::string name;
    char type = '0';  // '0' file, '1' hard link, '2' symlink, '3' char device, '5' directory, '6' fifo, 'x' pax header
    std::string data;
    std::string link;
    unsigned mode = 0644;
    std::uint64_t uid = 0;
    std::uint64_t gid = 0;
    std::uint64_t claimed_size = ~0ull;  // instead of data's size
  };
  TarWriter& add(const Member& member);
  TarWriter& file(const std::string& name, const std::string& data) { return add({.name = name, .data = data}); }
  TarWriter& directory(const std::string& name) { return add({.name = name, .type = '5', .mode = 0755}); }
  TarWriter& symlink(const std::string& name, const std::string& to) {
    return add({.name = name, .type = '2', .link = to});
  }
  TarWriter& hard_link(const std::string& name, const std::string& to) {
    return add({.name = name, .type = '1', .link = to});
  }
  // metadata.yaml and rootfs/, what every good image has.
  TarWriter& preamble();
  std::string finish() const { return bytes_ + std::string(1024, '\0'); }
  const std::string& unfinished() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace cella::storage
