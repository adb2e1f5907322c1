// How many records a second the message log takes and gives back: 256 bytes each, a window of appends under way.
//
//   bench_log_append FOLDER [records] [window]
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>

#include "async/task_group.h"
#include "base/clock.h"
#include "storage/log/message_log.h"

namespace {

using namespace selvage;
using Seconds = std::chrono::duration<double>;

double processor_seconds(clockid_t which) {
    timespec time{};
    ::clock_gettime(which, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

async::Awaitable<> read_all(storage::MessageLog& log, storage::QueueId queue, std::size_t& records) {
    storage::Offset from = 0;
    for (;;) {
        auto batch = co_await log.read(queue, from, 256, 256 * 1024);
        if (!batch || batch->records.empty()) co_return;
        records += batch->records.size();
        from = batch->next;
    }
}

void measure(const std::string& folder, storage::Durability durability, std::size_t records, std::size_t window) {
    boost::asio::io_context loop;
    const auto busy = boost::asio::make_work_guard(loop);
    const SystemClock clock;
    storage::LogSettings settings;
    settings.folder = folder + (durability == storage::Durability::power ? "/power" : "/process");
    settings.durability = durability;
    settings.disk_bytes_max = 64ull << 30;
    auto log = storage::MessageLog::open(loop.get_executor(), clock, settings);
    if (!log) {
        fmt::print("{}\n", log.error().detail);
        std::exit(1);
    }
    const storage::QueueId queue = (*log)->queue("q");
    const storage::Target target{queue};
    const std::string payload(256, 'x');

    const TimePoint begin = clock.now();
    const double loop_begin = processor_seconds(CLOCK_THREAD_CPUTIME_ID);
    const double all_begin = processor_seconds(CLOCK_PROCESS_CPUTIME_ID);
    std::size_t started = 0;
    std::size_t done = 0;
    while (done < records) {
        while (started < records && started - done < window) {
            ++started;
            (*log)->append({&target, 1}, payload, [&done](const Result<>& result) {
                if (!result) std::abort();
                ++done;
            });
        }
        loop.run_one();
        loop.poll();
    }
    const double wall = Seconds(clock.now() - begin).count();
    const double count = static_cast<double>(records);
    fmt::print("append {:8} window {:5}: {:9.0f} /s   loop {:.2f} us, all threads {:.2f} us of processor a record\n",
               durability == storage::Durability::power ? "power" : "process", window, count / wall,
               1e6 * (processor_seconds(CLOCK_THREAD_CPUTIME_ID) - loop_begin) / count,
               1e6 * (processor_seconds(CLOCK_PROCESS_CPUTIME_ID) - all_begin) / count);

    const TimePoint read_begin = clock.now();
    const double read_cpu = processor_seconds(CLOCK_PROCESS_CPUTIME_ID);
    std::size_t read = 0;
    bool ended = false;
    async::spawn_root(loop.get_executor(), read_all(**log, queue, read), [&ended] { ended = true; });
    while (!ended) loop.run_one();
    fmt::print("read   {:8} 256 a batch  : {:9.0f} /s   all threads {:.2f} us of processor a record\n", "",
               static_cast<double>(read) / Seconds(clock.now() - read_begin).count(),
               1e6 * (processor_seconds(CLOCK_PROCESS_CPUTIME_ID) - read_cpu) / static_cast<double>(read));
    ended = false;
    async::spawn_root(loop.get_executor(), (*log)->stop(), [&ended] { ended = true; });
    while (!ended) loop.run_one();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print("usage: bench_log_append FOLDER [records] [window]\n");
        return 2;
    }
    const std::size_t records = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 500'000;
    const std::size_t window = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 50;
    measure(argv[1], storage::Durability::process, records, window);
    measure(argv[1], storage::Durability::power, records / 10, window);
}
