// Formats: proc(5), /proc/PID/stat and /proc/PID/smaps_rollup.
#include "mqtt/server_process.h"

#include <fmt/core.h>
#include <unistd.h>

#include <charconv>

#include "base/file.h"

namespace selvage::bench {
namespace {

std::uint64_t number_at(std::string_view text, std::size_t at) {
    at = text.find_first_of("0123456789", at);
    std::uint64_t value = 0;
    if (at < text.size()) std::from_chars(text.data() + at, text.data() + text.size(), value);
    return value;
}

}  // namespace

double cpu_seconds(int pid) {
    if (pid == 0) return 0;
    const auto stat = read_file(fmt::format("/proc/{}/stat", pid));
    if (!stat) return 0;
    // The name in parentheses may hold anything; utime and stime are fields 14 and 15, the state behind the name is 3.
    std::size_t at = stat->rfind(')');
    for (int field = 2; field < 14 && at < stat->size(); ++field) at = stat->find(' ', at + 1);
    if (at >= stat->size()) return 0;
    const auto user = number_at(*stat, at);
    const auto system = number_at(*stat, stat->find(' ', at + 1));
    return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

Result<Memory> memory_of(int pid) {
    SELVAGE_TRY(const auto rollup, read_file(fmt::format("/proc/{}/smaps_rollup", pid)));
    const auto kilobytes = [&](std::string_view name) -> std::uint64_t {
        const auto at = rollup.find(fmt::format("\n{}:", name));
        return at == std::string::npos ? 0 : number_at(rollup, at) * 1024;
    };
    const Memory memory{.rss_bytes = kilobytes("Rss"), .pss_bytes = kilobytes("Pss"), .anonymous_bytes = kilobytes("Anonymous")};
    if (memory.rss_bytes == 0) return fail(Errc::malformed, "smaps_rollup without Rss");
    return memory;
}

async::Awaitable<> sample_pss(async::TimeSource& time, int pid, JsonArray& into) {
    while (pid != 0) {
        const auto memory = memory_of(pid);
        if (memory) into.push_back(static_cast<double>(memory->pss_bytes) / (1 << 20));
        const auto slept = co_await time.sleep_for(kSampleEvery);
        if (!slept) co_return;
    }
}

JsonObject to_json(const Memory& memory) {
    return {{"rss", memory.rss_bytes}, {"pss", memory.pss_bytes}, {"anonymous", memory.anonymous_bytes}};
}

}  // namespace selvage::bench
