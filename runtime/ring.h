// A bounded byte log: keeps the newest bytes of a stream and lets many readers follow it at their own pace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace cella::runtime {

// Positions are counted from the first byte ever appended and never wrap, so a reader is one number. Memory is taken
// when the first byte comes, grows by doubling up to the maximum, and is given back by clear(). Not thread-safe.
class Ring {
 public:
  // max_bytes: a power of two, at least 4096.
  explicit Ring(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Drops the oldest bytes once the maximum is reached.
  void append(std::string_view bytes);

  // Forgets the content; positions go on counting.
  void clear();

  std::uint64_t begin() const { return end_ - size_; }
  std::uint64_t end() const { return end_; }
  std::size_t capacity() const { return capacity_; }

  // The longest contiguous piece from position on; empty at the end. A position that was dropped reads from begin().
  std::string_view piece(std::uint64_t position) const;

 private:
  void grow(std::size_t wanted);
  void store(std::uint64_t position, std::string_view bytes);

  std::size_t max_bytes_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  std::uint64_t end_ = 0;
  std::unique_ptr<char[]> bytes_;
};

}  // namespace cella::runtime
