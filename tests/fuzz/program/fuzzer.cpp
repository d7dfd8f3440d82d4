// The libFuzzer side of a program that holds exactly one target.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy of exactly this size, so that a read past the end is seen.
  const std::vector<char> bytes(data, data + size);
  cella::fuzz::targets().at(0).run(std::string_view(bytes.data(), bytes.size()));
  return 0;
}
