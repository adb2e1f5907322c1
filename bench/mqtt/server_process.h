// What the server under test uses of the machine, from /proc.
#pragma once

#include <chrono>
#include <cstdint>

#include "async/time_source.h"
#include "base/json.h"
#include "base/result.h"

namespace selvage::bench {

// Processor time of all its threads since it began, user and system, in seconds (to 10 ms). Pid 0: 0.
double cpu_seconds(int pid);

struct Memory {
    std::uint64_t rss_bytes = 0;
    std::uint64_t pss_bytes = 0;
    std::uint64_t anonymous_bytes = 0;   // of the RSS: not of files
};
// Errors: not_found (no such process), malformed.
Result<Memory> memory_of(int pid);
JsonObject to_json(const Memory& memory);

// Adds the process's PSS in MiB to `into` every kSampleEvery, until cancelled. Reading it takes the generator's time, not the
// server's. Pid 0: never.
inline constexpr std::chrono::milliseconds kSampleEvery{500};
async::Awaitable<> sample_pss(async::TimeSource& time, int pid, JsonArray& into);

}  // namespace selvage::bench
