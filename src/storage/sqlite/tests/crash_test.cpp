// What was reported done is there after kill -9, whenever it comes.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/tests/run.h"
#include "storage/sqlite/sqlite_stores.h"
#include "storage/sqlite/tests/store_folder.h"

namespace selvage::storage {
namespace {

using async::Awaitable;
using testing::StoreFolder;

constexpr std::uint32_t kAcknowledged = 300;

// Eight writers at once; each tells the parent its number as soon as the store has said yes.
Awaitable<> write_for_ever(StateStore& store, std::uint32_t first, int report) {
    for (std::uint32_t number = first;; number += 8) {
        const auto written = co_await store.put("b", std::to_string(number), std::string(500, 'v'));
        if (!written || ::write(report, &number, sizeof number) != sizeof number) ::_exit(1);
    }
}

[[noreturn]] void child(const std::string& path, int report) {
    auto store = open_sqlite_state_store({.path = path});
    if (!store) ::_exit(2);
    boost::asio::io_context loop;
    async::TaskGroup group(loop.get_executor());
    for (std::uint32_t first = 0; first < 8; ++first) group.spawn("write", write_for_ever(**store, first, report));
    loop.run();
    ::_exit(3);
}

TEST(StateStoreCrash, AcknowledgedWritesSurviveKill9) {
    const StoreFolder folder;
    const std::string path = folder.file("state.db");
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t writer = ::fork();
    ASSERT_GE(writer, 0);
    if (writer == 0) child(path, ends[1]);
    ::close(ends[1]);

    std::vector<std::uint32_t> acknowledged;
    std::uint32_t number = 0;
    while (acknowledged.size() < kAcknowledged && ::read(ends[0], &number, sizeof number) == sizeof number)
        acknowledged.push_back(number);
    ::kill(writer, SIGKILL);
    while (::read(ends[0], &number, sizeof number) == sizeof number) acknowledged.push_back(number);
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(writer, &status, 0), writer);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself with " << WEXITSTATUS(status);
    ASSERT_GE(acknowledged.size(), kAcknowledged);

    auto store = open_sqlite_state_store({.path = path});
    ASSERT_TRUE(store) << store.error().detail;
    boost::asio::io_context loop;
    async::testing::run(loop, [](StateStore& opened, std::vector<std::uint32_t> numbers) -> Awaitable<> {
        for (const std::uint32_t wanted : numbers) {
            const auto value = co_await opened.get("b", std::to_string(wanted));
            EXPECT_EQ(value.value(), std::string(500, 'v')) << wanted;
        }
        co_await opened.stop();
    }(**store, std::move(acknowledged)));
}

}  // namespace
}  // namespace selvage::storage
