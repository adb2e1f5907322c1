#include "async/blocking_pool.h"

#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "async/tests/run.h"

namespace selvage::async {
namespace {

class Later final : public Worker {
public:
    void run(std::move_only_function<void()> work) override { waiting.push_back(std::move(work)); }
    std::deque<std::move_only_function<void()>> waiting;
};

TEST(BlockingPool, WorksOnAThreadOfItsOwnAndGoesOnOnTheLoop) {
    boost::asio::io_context loop;
    BlockingPool pool("test", 1);
    testing::run(loop, [](BlockingPool& given) -> Awaitable<> {
        const auto where = co_await given.run([]() -> Result<std::thread::id> { return std::this_thread::get_id(); });
        EXPECT_TRUE(where);
        EXPECT_NE(where.value_or(std::thread::id()), std::this_thread::get_id());
    }(pool));
}

TEST(BlockingPool, LeavesTheWorkToAWorkerThatItIsGiven) {
    boost::asio::io_context loop;
    const auto worker = std::make_shared<Later>();
    BlockingPool pool("test", 1, 1, worker);
    int done = 0;
    const auto ask = [](BlockingPool& given, int& count) -> Awaitable<> {
        const auto where = co_await given.run([]() -> Result<std::thread::id> { return std::this_thread::get_id(); });
        EXPECT_EQ(where.value_or(std::thread::id()), std::this_thread::get_id());
        ++count;
    };
    for (int i = 0; i < 2; ++i) spawn_root(loop.get_executor(), ask(pool, done), [] {});
    loop.poll();
    EXPECT_EQ(worker->waiting.size(), 2u);
    EXPECT_EQ(done, 0) << "nobody has done the work";
    for (auto& work : worker->waiting) work();
    loop.restart();
    loop.poll();
    EXPECT_EQ(done, 2);
}

}  // namespace
}  // namespace selvage::async
