// operator new for cella-runtime against musl. The first allocations of a process come from a static arena and are
// never given back: a `run` needs a few dozen short-lived blocks, and musl's allocator would make a system call for
// each size. Once the arena is used up (a keeper soon has), everything comes from malloc. One thread only, as
// cella-runtime is.
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t kArenaBytes = 48 * 1024;
constexpr std::size_t kAlignment = alignof(std::max_align_t);

alignas(kAlignment) char arena[kArenaBytes];
std::size_t arena_used = 0;

bool from_arena(const void* block) { return block >= arena && block < arena + kArenaBytes; }

}  // namespace

void* operator new(std::size_t size) {
  const std::size_t rounded = (size + kAlignment - 1) & ~(kAlignment - 1);
  if (rounded >= size && rounded <= kArenaBytes - arena_used) {
    void* block = arena + arena_used;
    arena_used += rounded;
    return block;
  }
  void* block = std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void operator delete(void* block) noexcept {
  if (!from_arena(block)) std::free(block);
}

void operator delete(void* block, std::size_t) noexcept { operator delete(block); }
