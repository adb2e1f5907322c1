// The stores without threads: a worker on the loop does the batches.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <deque>

#include "async/task_group.h"
#include "storage/sqlite/sqlite_stores.h"
#include "storage/sqlite/tests/store_folder.h"

namespace selvage::storage {
namespace {

using async::Awaitable;

class Later final : public async::Worker {
public:
    void run(std::move_only_function<void()> work) override { waiting.push_back(std::move(work)); }
    bool one() {
        if (waiting.empty()) return false;
        const auto work = std::make_unique<std::move_only_function<void()>>(std::move(waiting.front()));
        waiting.pop_front();
        (*work)();
        return true;
    }
    std::deque<std::move_only_function<void()>> waiting;
};

TEST(StoreWorker, DoesWhatHasGatheredInOneGoAndStopsInOrder) {
    const testing::StoreFolder folder;
    boost::asio::io_context loop;
    const auto worker = std::make_shared<Later>();
    SqliteSettings settings;
    settings.path = folder.file("state.db");
    settings.worker = worker;
    auto store = open_sqlite_state_store(settings).value();
    int written = 0;
    const auto put = [](StateStore& given, std::string key, int& count) -> Awaitable<> {
        EXPECT_TRUE(co_await given.put("b", key, "v"));
        ++count;
    };
    for (const char* key : {"k1", "k2"}) async::spawn_root(loop.get_executor(), put(*store, key, written), [] {});
    loop.poll();
    EXPECT_EQ(written, 0) << "nothing is on the disk yet";
    EXPECT_EQ(worker->waiting.size(), 1u);
    EXPECT_TRUE(worker->one());
    loop.restart();
    loop.poll();
    EXPECT_EQ(written, 2);

    bool stopped = false;
    async::spawn_root(loop.get_executor(), store->stop(), [&stopped] { stopped = true; });
    do {
        loop.restart();
        loop.poll();
    } while (worker->one());
    EXPECT_TRUE(stopped);
    async::spawn_root(loop.get_executor(), [](StateStore& given) -> Awaitable<> {
        const auto late = co_await given.put("b", "late", "v");
        EXPECT_FALSE(late);
    }(*store), [] {});
    loop.restart();
    loop.poll();
}

}  // namespace
}  // namespace selvage::storage
