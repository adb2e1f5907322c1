#include "storage/sqlite/store_thread.h"

#include <gtest/gtest.h>

#include <future>

#include "async/tests/run.h"
#include "storage/sqlite/tests/store_folder.h"

namespace selvage::storage::sqlite {
namespace {

using async::Awaitable;
using async::TaskGroup;
using storage::testing::StoreFolder;

constexpr const char* kMigrations[] = {
    "CREATE TABLE numbers(number INTEGER PRIMARY KEY, filler BLOB) STRICT;"
    "CREATE TABLE parts(number INTEGER NOT NULL) STRICT;"};
constexpr Schema kSchema{"test", 0x77, kMigrations};

class StoreThreadTest : public ::testing::Test {
protected:
    std::unique_ptr<Database> database(std::uint64_t file_bytes_max = 0) {
        auto opened = Database::open({.path = folder_.file("t.db"), .file_bytes_max = file_bytes_max}, kSchema);
        EXPECT_TRUE(opened) << opened.error().detail;
        return std::move(*opened);
    }

    Awaitable<> insert(StoreThread& store, std::int64_t number, std::vector<Result<>>& results) {
        auto result = co_await store.run(Access::write, [number](Database& opened) {
            return opened.run("INSERT INTO numbers(number) VALUES(?)", {number});
        });
        results.push_back(std::move(result));
    }

    // Occupies the store until the gate opens, so that what comes meanwhile gathers.
    Awaitable<> hold(StoreThread& store, std::shared_future<void> gate) {
        auto held = co_await store.run(Access::read, [gate](Database&) -> Result<> {
            gate.wait();
            return {};
        });
        EXPECT_TRUE(held);
    }

    // Lets every spawned coroutine run until it waits for the store.
    void start_all() {
        while (loop_.poll() > 0) {
        }
    }

    Awaitable<> run_to_end(TaskGroup& group) {
        while (group.size() > 0) co_await boost::asio::post(loop_, boost::asio::use_awaitable_t<async::Executor>{});
    }

    std::int64_t count(StoreThread& store, const char* table) {
        std::int64_t found = -1;
        async::testing::run(loop_, [](StoreThread& from, const char* name, std::int64_t& into) -> Awaitable<> {
            auto counted = co_await from.run(Access::read, [name](Database& opened) -> Result<std::int64_t> {
                SELVAGE_TRY(auto rows, opened.query(std::string_view(name) == "parts" ? "SELECT count(*) FROM parts"
                                                                                       : "SELECT count(*) FROM numbers"));
                SELVAGE_CHECK(rows.next());
                return rows.integer(0);
            });
            EXPECT_TRUE(counted);
            if (counted) into = *counted;
        }(store, table, found));
        return found;
    }

    void finish(TaskGroup& group) { async::testing::run(loop_, run_to_end(group)); }
    void stop(TaskGroup& group) { async::testing::run(loop_, group.stop()); }

    StoreFolder folder_;
    boost::asio::io_context loop_;
};

TEST_F(StoreThreadTest, AThousandConcurrentWritesAreOneCommit) {
    StoreThread store("test", database(), 10'000);
    std::promise<void> gate;
    std::vector<Result<>> results;
    TaskGroup group(loop_.get_executor());
    group.spawn("hold", hold(store, gate.get_future().share()));
    start_all();
    for (std::int64_t i = 0; i < 1000; ++i) group.spawn("insert", insert(store, i, results));
    start_all();
    EXPECT_EQ(results.size(), 0u);
    gate.set_value();
    finish(group);
    ASSERT_EQ(results.size(), 1000u);
    for (const auto& result : results) EXPECT_TRUE(result);
    // The first may have been taken with the hold; the rest wait for it together.
    EXPECT_LE(store.commits(), 2u);
    EXPECT_EQ(count(store, "numbers"), 1000);
    stop(group);
}

TEST_F(StoreThreadTest, AFailingOperationIsUndoneAlone) {
    StoreThread store("test", database(), 10'000);
    std::promise<void> gate;
    std::vector<Result<>> results;
    TaskGroup group(loop_.get_executor());
    group.spawn("hold", hold(store, gate.get_future().share()));
    start_all();
    for (const std::int64_t number : {1, 2, 1, 3}) group.spawn("insert", insert(store, number, results));
    group.spawn("half", [](StoreThread& into) -> Awaitable<> {
        auto half = co_await into.run(Access::write, [](Database& opened) -> Result<> {
            SELVAGE_CHECK(opened.run("INSERT INTO parts VALUES(1)"));
            return fail(Errc::precondition_failed, "second thoughts");
        });
        EXPECT_FALSE(half);
        EXPECT_EQ(half.error().code, Errc::precondition_failed);
    }(store));
    group.spawn("throws", [](StoreThread& into) -> Awaitable<> {
        auto thrown = co_await into.run(Access::write, [](Database& opened) -> Result<> {
            SELVAGE_CHECK(opened.run("INSERT INTO parts VALUES(2)"));
            throw std::runtime_error("by accident");
        });
        EXPECT_FALSE(thrown);
        EXPECT_EQ(thrown.error().code, Errc::internal);
    }(store));
    start_all();
    gate.set_value();
    finish(group);
    ASSERT_EQ(results.size(), 4u);
    EXPECT_TRUE(results[0]);
    EXPECT_TRUE(results[1]);
    ASSERT_FALSE(results[2]);
    EXPECT_EQ(results[2].error().code, Errc::already_exists);
    EXPECT_TRUE(results[3]);
    EXPECT_EQ(count(store, "numbers"), 3);
    EXPECT_EQ(count(store, "parts"), 0);
    stop(group);
}

TEST_F(StoreThreadTest, WhenTheTransactionIsLostEachOperationIsTriedAlone) {
    StoreThread store("test", database(), 10'000);
    std::promise<void> gate;
    std::vector<Result<>> results;
    TaskGroup group(loop_.get_executor());
    group.spawn("hold", hold(store, gate.get_future().share()));
    start_all();
    group.spawn("insert", insert(store, 1, results));
    // What SQLite does by itself on a full disk: the whole transaction is rolled back under us.
    group.spawn("roll back", [](StoreThread& into) -> Awaitable<> {
        auto lost = co_await into.run(Access::write, [](Database& opened) -> Result<> {
            SELVAGE_CHECK(opened.run("ROLLBACK"));
            return fail(Errc::quota_exceeded, "full");
        });
        EXPECT_FALSE(lost);
        EXPECT_EQ(lost.error().code, Errc::quota_exceeded);
    }(store));
    group.spawn("insert", insert(store, 2, results));
    start_all();
    gate.set_value();
    finish(group);
    ASSERT_EQ(results.size(), 2u);
    EXPECT_TRUE(results[0]);
    EXPECT_TRUE(results[1]);
    EXPECT_EQ(count(store, "numbers"), 2);
    stop(group);
}

TEST_F(StoreThreadTest, AFullFileRefusesWhatDoesNotFitAndKeepsTheRest) {
    StoreThread store("test", database(40 * 4096), 10'000);
    TaskGroup group(loop_.get_executor());
    std::promise<void> gate;
    std::vector<Result<>> small;
    group.spawn("hold", hold(store, gate.get_future().share()));
    start_all();
    group.spawn("small", insert(store, 1, small));
    group.spawn("large", [](StoreThread& into) -> Awaitable<> {
        auto large = co_await into.run(Access::write, [](Database& opened) {
            const std::string filler(400'000, 'f');
            return opened.run("INSERT INTO numbers(number, filler) VALUES(7, ?)", {Bytes{filler}});
        });
        EXPECT_FALSE(large);
        EXPECT_EQ(large.error().code, Errc::quota_exceeded);
    }(store));
    group.spawn("small", insert(store, 2, small));
    start_all();
    gate.set_value();
    finish(group);
    ASSERT_EQ(small.size(), 2u);
    EXPECT_TRUE(small[0]);
    EXPECT_TRUE(small[1]);
    EXPECT_EQ(count(store, "numbers"), 2);
    stop(group);
}

TEST_F(StoreThreadTest, ReadsTakeNoWriteLock) {
    StoreThread store("test", database(), 10'000);
    auto other = Database::open({.path = folder_.file("t.db")}, kSchema);
    ASSERT_TRUE(other);
    ASSERT_TRUE((*other)->run("BEGIN IMMEDIATE"));
    EXPECT_EQ(count(store, "numbers"), 0);
    ASSERT_TRUE((*other)->run("COMMIT"));
    EXPECT_EQ(store.commits(), 0u);
}

TEST_F(StoreThreadTest, KeepsTheOrderOfItsOperations) {
    StoreThread store("test", database(), 10'000);
    std::promise<void> gate;
    std::vector<Result<>> results;
    std::int64_t seen = -1;
    TaskGroup group(loop_.get_executor());
    group.spawn("hold", hold(store, gate.get_future().share()));
    start_all();
    group.spawn("insert", insert(store, 1, results));
    group.spawn("count", [](StoreThread& from, std::int64_t& into) -> Awaitable<> {
        auto counted = co_await from.run(Access::read, [](Database& opened) -> Result<std::int64_t> {
            SELVAGE_TRY(auto rows, opened.query("SELECT count(*) FROM numbers"));
            SELVAGE_CHECK(rows.next());
            return rows.integer(0);
        });
        into = counted.value_or(-2);
    }(store, seen));
    group.spawn("insert", insert(store, 2, results));
    start_all();
    gate.set_value();
    finish(group);
    EXPECT_EQ(seen, 1);
    stop(group);
}

TEST_F(StoreThreadTest, RefusesMoreThanItsBound) {
    StoreThread store("test", database(), 3);
    std::promise<void> gate;
    std::vector<Result<>> results;
    TaskGroup group(loop_.get_executor());
    std::promise<void> holding;
    group.spawn("hold", [](StoreThread& into, std::promise<void>& taken, std::shared_future<void> opens) -> Awaitable<> {
        auto held = co_await into.run(Access::read, [&taken, opens](Database&) -> Result<> {
            taken.set_value();
            opens.wait();
            return {};
        });
        EXPECT_TRUE(held);
    }(store, holding, gate.get_future().share()));
    start_all();
    holding.get_future().wait();
    for (std::int64_t i = 0; i < 5; ++i) group.spawn("insert", insert(store, i, results));
    start_all();
    ASSERT_EQ(results.size(), 2u) << "those over the bound are answered at once";
    for (const auto& result : results) EXPECT_EQ(result.error().code, Errc::throttled);
    gate.set_value();
    finish(group);
    EXPECT_EQ(count(store, "numbers"), 3);
    stop(group);
}

TEST_F(StoreThreadTest, StopDoesWhatIsQueuedAndRefusesTheRest) {
    StoreThread store("test", database(), 10'000);
    std::promise<void> gate;
    std::vector<Result<>> results;
    TaskGroup group(loop_.get_executor());
    group.spawn("hold", hold(store, gate.get_future().share()));
    start_all();
    group.spawn("insert", insert(store, 1, results));
    start_all();
    group.spawn("stop", store.stop());
    group.spawn("stop again", store.stop());
    start_all();
    group.spawn("too late", insert(store, 2, results));
    start_all();
    ASSERT_EQ(results.size(), 1u);
    EXPECT_EQ(results[0].error().code, Errc::unavailable);
    gate.set_value();
    finish(group);
    ASSERT_EQ(results.size(), 2u);
    EXPECT_TRUE(results[1]);
    EXPECT_FALSE(std::filesystem::exists(folder_.file("t.db-wal"))) << "a closed database leaves one file";
    async::testing::run(loop_, store.stop());
    stop(group);
}

}  // namespace
}  // namespace selvage::storage::sqlite
