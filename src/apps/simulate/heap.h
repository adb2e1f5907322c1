// What this thread has allocated and not freed: a world lives on one thread, so this is its memory.
#pragma once

#include <cstddef>

namespace selvage::apps {

std::size_t heap_bytes_of_this_thread();

}  // namespace selvage::apps
