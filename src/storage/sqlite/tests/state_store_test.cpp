#include <gtest/gtest.h>

#include "async/tests/run.h"
#include "storage/sqlite/sqlite_stores.h"
#include "storage/sqlite/tests/store_folder.h"

namespace selvage::storage {
namespace {

using async::Awaitable;
using testing::StoreFolder;
using Entries = std::vector<std::pair<std::string, std::string>>;

std::unique_ptr<StateStore> open(const StoreFolder& folder) {
    auto store = open_sqlite_state_store({.path = folder.file("state.db")});
    EXPECT_TRUE(store) << store.error().detail;
    return std::move(*store);
}

TEST(StateStore, KeepsBucketsApartAndKeysInOrder) {
    const StoreFolder folder;
    const auto store = open(folder);
    boost::asio::io_context loop;
    async::testing::run(loop, [](StateStore& opened) -> Awaitable<> {
        EXPECT_EQ((co_await opened.get("a", "k")).value(), std::optional<std::string>());
        EXPECT_EQ(co_await opened.list("a"), Entries());
        EXPECT_TRUE(co_await opened.put("a", "k2", "second"));
        EXPECT_TRUE(co_await opened.put("a", "k1", "first"));
        EXPECT_TRUE(co_await opened.put("b", "k1", "other"));
        EXPECT_TRUE(co_await opened.put("a", "k2", "second again"));
        EXPECT_EQ((co_await opened.get("a", "k2")).value(), std::optional<std::string>("second again"));
        EXPECT_EQ(co_await opened.list("a"), (Entries{{"k1", "first"}, {"k2", "second again"}}));
        EXPECT_TRUE(co_await opened.erase("a", "k1"));
        EXPECT_TRUE(co_await opened.erase("a", "k1"));
        EXPECT_EQ(co_await opened.list("a"), (Entries{{"k2", "second again"}}));
        EXPECT_EQ((co_await opened.get("b", "k1")).value(), std::optional<std::string>("other"));
        co_await opened.stop();
    }(*store));
}

TEST(StateStore, HoldsAnyBytesAlsoEmptyOnes) {
    const StoreFolder folder;
    const auto store = open(folder);
    boost::asio::io_context loop;
    async::testing::run(loop, [](StateStore& opened) -> Awaitable<> {
        std::string every(256, '\0');
        for (std::size_t i = 0; i < every.size(); ++i) every[i] = static_cast<char>(i);
        EXPECT_TRUE(co_await opened.put(every, every, every));
        EXPECT_TRUE(co_await opened.put("", "", ""));
        EXPECT_TRUE(co_await opened.put("", std::string("\0a", 2), "x"));
        EXPECT_EQ((co_await opened.get(every, every)).value(), std::optional<std::string>(every));
        EXPECT_EQ((co_await opened.get("", "")).value(), std::optional<std::string>(""));
        EXPECT_EQ(co_await opened.list(""), (Entries{{"", ""}, {std::string("\0a", 2), "x"}}));
        const std::string large(3 << 20, 'L');
        EXPECT_TRUE(co_await opened.put("", "large", large));
        EXPECT_EQ((co_await opened.get("", "large")).value(), std::optional<std::string>(large));
        co_await opened.stop();
    }(*store));
}

TEST(StateStore, RemembersAfterAReopenAndRefusesAfterAStop) {
    const StoreFolder folder;
    boost::asio::io_context loop;
    auto store = open(folder);
    async::testing::run(loop, [](StateStore& opened) -> Awaitable<> {
        EXPECT_TRUE(co_await opened.put("b", "k", "v"));
        co_await opened.stop();
        const auto late = co_await opened.put("b", "k", "late");
        EXPECT_FALSE(late);
        EXPECT_EQ(late.error().code, Errc::unavailable);
    }(*store));
    store = open(folder);
    async::testing::run(loop, [](StateStore& opened) -> Awaitable<> {
        EXPECT_EQ((co_await opened.get("b", "k")).value(), std::optional<std::string>("v"));
        co_await opened.stop();
    }(*store));
}

TEST(StateStore, SaysWhenItIsFullAndGoesOnWhenThereIsRoom) {
    const StoreFolder folder;
    auto opened = open_sqlite_state_store({.path = folder.file("state.db"), .file_bytes_max = 64 * 4096});
    ASSERT_TRUE(opened);
    boost::asio::io_context loop;
    async::testing::run(loop, [](StateStore& store) -> Awaitable<> {
        const std::string value(20'000, 'v');
        int written = 0;
        Result<> last;
        while (written < 100) {
            last = co_await store.put("b", std::to_string(written), value);
            if (!last) break;
            ++written;
        }
        EXPECT_FALSE(last);
        EXPECT_EQ(last.error().code, Errc::quota_exceeded);
        EXPECT_GT(written, 5);
        EXPECT_EQ((co_await store.list("b"))->size(), static_cast<std::size_t>(written));
        EXPECT_TRUE(co_await store.erase("b", "0"));
        EXPECT_TRUE(co_await store.put("b", "again", value));
        co_await store.stop();
    }(**opened));
}

TEST(StateStore, IsNoRegistry) {
    const StoreFolder folder;
    { const auto store = open(folder); }
    const auto registry = open_sqlite_registry_store({.path = folder.file("state.db")});
    ASSERT_FALSE(registry);
    EXPECT_EQ(registry.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace selvage::storage
