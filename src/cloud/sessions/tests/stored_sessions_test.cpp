#include "cloud/sessions/stored_sessions.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "async/tests/run.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::cloud::sessions {
namespace {

struct StoredSessionsTest : ::testing::Test {
    std::string folder = (std::filesystem::temp_directory_path() / "selvage-XXXXXX").string();
    boost::asio::io_context loop;
    std::unique_ptr<storage::StateStore> state;

    void SetUp() override {
        ASSERT_NE(mkdtemp(folder.data()), nullptr);
        state = storage::open_sqlite_state_store({.path = folder + "/state.db"}).value();
    }
    void TearDown() override {
        async::testing::run(loop, state->stop());
        std::filesystem::remove_all(folder);
    }
    template <class T>
    T get(async::Awaitable<T> call) {
        std::optional<T> result;
        const auto keep = [](async::Awaitable<T> running, std::optional<T>& out) -> async::Awaitable<> {
            out = co_await std::move(running);
        };
        async::testing::run(loop, keep(std::move(call), result));
        return *std::move(result);
    }
};

TEST_F(StoredSessionsTest, AreForgottenByThoseWhoLearntOfThemAndByThoseWhoDidNot) {
    const auto mine = domain::Identity::of_device("d1");
    const std::vector<hub_api::StoredFilter> filters{{.filter = "x", .qos = 1}};
    for (const bool learns : {true, false}) {
        ASSERT_TRUE(get(StoredSessions(*state).save(mine, filters)));
        StoredSessions later(*state);
        if (learns) {
            ASSERT_TRUE(get(later.start()));
        }
        EXPECT_EQ(get(later.load(mine)).value(), filters);
        ASSERT_TRUE(get(later.forget(domain::Identity::of_device("d2"))));
        ASSERT_TRUE(get(later.forget(mine)));
        EXPECT_EQ(get(later.load(mine)).value(), std::nullopt);
        ASSERT_TRUE(get(later.save(mine, filters)));
        ASSERT_TRUE(get(later.forget(mine)));
        EXPECT_EQ(get(later.load(mine)).value(), std::nullopt) << "saved after the start";
    }
}

}  // namespace
}  // namespace selvage::cloud::sessions
