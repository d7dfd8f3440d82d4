#include "runtime/ring.h"

#include <algorithm>
#include <cstring>

namespace cella::runtime {
namespace {

constexpr std::size_t kFirstCapacity = 4096;

}  // namespace

void Ring::append(std::string_view bytes) {
  if (bytes.empty()) return;
  if (bytes.size() > max_bytes_) {
    end_ += bytes.size() - max_bytes_;
    size_ = 0;
    bytes.remove_prefix(bytes.size() - max_bytes_);
  }
  grow(size_ + bytes.size());
  store(end_, bytes);
  end_ += bytes.size();
  size_ = std::min(size_ + bytes.size(), capacity_);
}

void Ring::clear() {
  size_ = 0;
  capacity_ = 0;
  bytes_.reset();
}

std::string_view Ring::piece(std::uint64_t position) const {
  position = std::max(position, begin());
  if (position >= end_) return {};
  const std::size_t at = static_cast<std::size_t>(position % capacity_);
  const std::size_t length = std::min(capacity_ - at, static_cast<std::size_t>(end_ - position));
  return {bytes_.get() + at, length};
}

void Ring::grow(std::size_t wanted) {
  std::size_t target = std::max(capacity_, kFirstCapacity);
  while (target < wanted && target < max_bytes_) target *= 2;
  if (target == capacity_) return;
  Ring larger(max_bytes_);
  larger.capacity_ = target;
  larger.bytes_ = std::make_unique_for_overwrite<char[]>(target);
  for (std::uint64_t position = begin(); position < end_;) {
    const std::string_view part = piece(position);
    larger.store(position, part);
    position += part.size();
  }
  bytes_ = std::move(larger.bytes_);
  capacity_ = target;
}

void Ring::store(std::uint64_t position, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t at = static_cast<std::size_t>(position % capacity_);
    const std::size_t length = std::min(capacity_ - at, bytes.size());
    std::memcpy(bytes_.get() + at, bytes.data(), length);
    position += length;
    bytes.remove_prefix(length);
  }
}

}  // namespace cella::runtime
