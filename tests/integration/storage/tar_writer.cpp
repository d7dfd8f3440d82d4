#include "tests/integration/storage/tar_writer.h"

#include <cstdio>

namespace cella::storage {
namespace {

void put(std::string& header, std::size_t at, const std::string& text) { header.replace(at, text.size(), text); }

std::string octal(std::uint64_t value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%0*llo", digits, static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

TarWriter& TarWriter::add(const Member& member) {
  std::string header(512, '\0');
  put(header, 0, member.name.substr(0, 99));
  put(header, 100, octal(member.mode, 7));
  put(header, 108, octal(member.uid, 7));
  put(header, 116, octal(member.gid, 7));
  put(header, 124, octal(member.claimed_size != ~0ull ? member.claimed_size : member.data.size(), 11));
  put(header, 136, octal(1700000000, 11));
  put(header, 148, "        ");
  header[156] = member.type;
  put(header, 157, member.link.substr(0, 99));
  put(header, 257,
      std::string("ustar\0"
                  "00",
                  8));
  unsigned sum = 0;
  for (const char byte : header) sum += static_cast<unsigned char>(byte);
  put(header, 148, octal(sum, 6) + std::string("\0 ", 2));
  bytes_ += header + member.data;
  bytes_.append((512 - member.data.size() % 512) % 512, '\0');
  return *this;
}

TarWriter& TarWriter::preamble() {
  return file("metadata.yaml", "architecture: x86_64\ncreation_date: 1\n").directory("rootfs/");
}

}  // namespace cella::storage
