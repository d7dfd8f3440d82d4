// The few functions that libstdc++ and the unwinder take from glibc and that musl does not have.
#include <link.h>
#include <unistd.h>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

[[noreturn]] void die(const char* what) {
  std::size_t length = 0;
  while (what[length] != '\0') ++length;
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, what, length);
  std::abort();
}

}  // namespace

// Thrown for broken invariants only (a length over the maximum, an index out of range), which nobody catches. Defined
// here, because libstdc++'s own pull in its locale code, which is bound to glibc's internals.
namespace std {
[[noreturn]] void __throw_length_error(const char*) { die("cella-runtime: length error\n"); }
[[noreturn]] void __throw_logic_error(const char*) { die("cella-runtime: logic error\n"); }
[[noreturn]] void __throw_out_of_range_fmt(const char*, ...) { die("cella-runtime: index out of range\n"); }
[[noreturn]] void __throw_out_of_range(const char*) { die("cella-runtime: out of range\n"); }
[[noreturn]] void __throw_invalid_argument(const char*) { die("cella-runtime: invalid argument\n"); }
[[noreturn]] void __throw_bad_optional_access() { die("cella-runtime: empty optional\n"); }
[[noreturn]] void __throw_bad_alloc() { throw bad_alloc(); }
[[noreturn]] void __throw_bad_array_new_length() { throw bad_array_new_length(); }
[[noreturn]] void __throw_bad_cast() { die("cella-runtime: bad cast\n"); }
[[noreturn]] void __throw_bad_function_call() { die("cella-runtime: empty function called\n"); }
[[noreturn]] void __throw_system_error(int) { die("cella-runtime: system error\n"); }
}  // namespace std

// What the unwinder of gcc 12 asks glibc 2.35 for. Layout: dl_find_object in <dlfcn.h> of glibc.
namespace {

struct FoundObject {
  unsigned long long flags;
  void* map_start;
  void* map_end;
  link_map* map;
  void* eh_frame;
  unsigned long long reserved[7];
};

struct Search {
  std::size_t address;
  FoundObject* found;
};

int match(dl_phdr_info* info, std::size_t, void* data) {
  auto* search = static_cast<Search*>(data);
  bool inside = false;
  for (int index = 0; index < info->dlpi_phnum; ++index) {
    const auto& segment = info->dlpi_phdr[index];
    const std::size_t start = info->dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && search->address >= start && search->address < start + segment.p_memsz) {
      inside = true;
      search->found->map_start = reinterpret_cast<void*>(start);
      search->found->map_end = reinterpret_cast<void*>(start + segment.p_memsz);
    }
    if (segment.p_type == PT_GNU_EH_FRAME) search->found->eh_frame = reinterpret_cast<void*>(start);
  }
  return inside ? 1 : 0;
}

}  // namespace

extern "C" int _dl_find_object(void* address, FoundObject* result) {
  *result = {};
  Search search{.address = reinterpret_cast<std::size_t>(address), .found = result};
  return dl_iterate_phdr(match, &search) != 0 && result->eh_frame != nullptr ? 0 : -1;
}
