// Replaces the allocation functions of the program, so it belongs to this program alone. SQLite and OpenSSL allocate by other
// ways and are not counted.
#include "apps/simulate/heap.h"

#include <malloc.h>

#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SELVAGE_HEAP_IS_WATCHED
#endif
#endif

namespace {

constinit thread_local std::ptrdiff_t allocated = 0;

}  // namespace

namespace selvage::apps {

std::size_t heap_bytes_of_this_thread() { return allocated < 0 ? 0 : static_cast<std::size_t>(allocated); }

}  // namespace selvage::apps

#ifndef SELVAGE_HEAP_IS_WATCHED

namespace {

void* counted(void* memory) {
    if (memory == nullptr) throw std::bad_alloc();
    allocated += static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
    return memory;
}

void released(void* memory) {
    if (memory == nullptr) return;
    allocated -= static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
    std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return counted(std::malloc(size == 0 ? 1 : size)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    const auto step = static_cast<std::size_t>(alignment);
    return counted(std::aligned_alloc(step, (size + step - 1) / step * step));
}
void operator delete(void* memory) noexcept { released(memory); }
void operator delete(void* memory, std::size_t) noexcept { released(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { released(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { released(memory); }

#endif
