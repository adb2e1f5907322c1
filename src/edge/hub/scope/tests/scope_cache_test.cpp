#include "edge/hub/scope/scope_cache.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "async/tests/run.h"
#include "edge/hub/scope/tests/fake_scope_api.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::edge::hub {
namespace {

using domain::Identity;
using namespace std::chrono_literals;

class ScopeCacheTest : public ::testing::Test {
public:
    ScopeCacheTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-scope-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        store_ = *storage::open_sqlite_state_store({.path = folder_ + "/state.db"});
        sealed_ = std::make_unique<SealedStore>(*store_, random_, std::string(32, 'k'));
        begin();
    }
    ~ScopeCacheTest() override {
        end();
        async::testing::run(loop_, store_->stop());
        sealed_.reset();
        store_.reset();
        std::filesystem::remove_all(folder_);
    }
    void begin() {
        cache_ = std::make_unique<ScopeCache>(loop_.get_executor(), time_, *sealed_, api_, listener_, ScopeCache::Settings{});
    }
    void end() {
        if (cache_) async::testing::run(loop_, cache_->stop());
        cache_.reset();
    }
    void until(const std::function<bool()>& condition) {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (!condition() && std::chrono::steady_clock::now() < limit) {
            loop_.restart();
            loop_.run_one_for(1ms);
        }
        ASSERT_TRUE(condition());
    }
    Result<> refresh(Identity identity) {
        Result<> got = fail(Errc::internal, "");
        async::testing::run(loop_, [](ScopeCache& cache, Identity who, Result<>& out) -> async::Awaitable<> {
            out = co_await cache.refresh_identity(who);
        }(*cache_, identity, got));
        return got;
    }

    std::string folder_;
    boost::asio::io_context loop_;
    async::VirtualTime time_{loop_.get_executor(), UtcTime(1'700'000'000'000ms)};
    SeededRandom random_{1};
    testing::FakeScopeApi api_{loop_.get_executor()};
    testing::RecordingScopeListener listener_;
    std::unique_ptr<storage::StateStore> store_;
    std::unique_ptr<SealedStore> sealed_;
    std::unique_ptr<ScopeCache> cache_;
};

const Identity kA = Identity::of_device("a");
const Identity kZ = Identity::of_module("z", "m");

TEST_F(ScopeCacheTest, ListsAllPagesAndKeepsThemForAnOfflineStart) {
    api_.add(kA, "a2V5");
    api_.add(kZ, "a2V5");
    cache_->start();
    until([&] { return listener_.changed.size() == 2; });
    end();
    api_.reachable = false;
    begin();
    async::testing::run(loop_, [](ScopeCache& cache) -> async::Awaitable<> {
        const auto loaded = co_await cache.load();
        EXPECT_TRUE(loaded.has_value());
    }(*cache_));
    ASSERT_NE(cache_->find(kZ), nullptr);
    EXPECT_EQ(cache_->find(kZ)->primary_key, "a2V5");
    EXPECT_EQ(cache_->find(Identity::of_device("z")), nullptr);
}

TEST_F(ScopeCacheTest, AnIdentityMissingFromAListingIsGoneOnlyWhenTheHubAboveSaysSo) {
    api_.add(kA, "a2V5");
    api_.add(kZ, "a2V5");
    cache_->start();
    until([&] { return listener_.changed.size() == 2 && time_.next_wake(); });
    api_.hidden_from_list = {kA, kZ};
    api_.identities.erase(kA);
    cache_->refresh_soon();
    until([&] {
        time_.advance(30s);
        return listener_.removed.size() == 1;
    });
    EXPECT_EQ(listener_.removed[0], "a");
    EXPECT_EQ(cache_->find(kA), nullptr);
    EXPECT_NE(cache_->find(kZ), nullptr);
}

TEST_F(ScopeCacheTest, AsksForOneIdentityAtMostOnceInTwoMinutes) {
    EXPECT_TRUE(refresh(kA).has_value());
    EXPECT_EQ(api_.gets, 1);
    api_.add(kA, "a2V5");
    EXPECT_TRUE(refresh(kA).has_value());
    EXPECT_EQ(api_.gets, 1);
    EXPECT_EQ(cache_->find(kA), nullptr);
    time_.advance(121s);
    EXPECT_TRUE(refresh(kA).has_value());
    EXPECT_EQ(api_.gets, 2);
    EXPECT_NE(cache_->find(kA), nullptr);
}

TEST_F(ScopeCacheTest, SeveralWhoAskTogetherShareOneQuestion) {
    api_.add(kA, "a2V5");
    api_.answering.reset();
    int answered = 0;
    async::TaskGroup tasks(loop_.get_executor());
    const auto ask = [](ScopeCache& cache, int& count) -> async::Awaitable<> {
        const auto done = co_await cache.refresh_identity(kA);
        if (done) ++count;
    };
    for (int i = 0; i < 5; ++i) tasks.spawn("ask", ask(*cache_, answered));
    until([&] { return api_.gets == 1; });
    api_.answering.set();
    until([&] { return answered == 5; });
    EXPECT_EQ(api_.gets, 1);
    async::testing::run(loop_, tasks.stop());
}

TEST_F(ScopeCacheTest, AListingThatWasOvertakenByAQuestionDoesNotBringOldKeysBack) {
    api_.add(kA, "b2xk");
    api_.add(kZ, "a2V5");
    api_.delivering_lists.reset();
    cache_->start();
    until([&] { return api_.lists == 1; });
    api_.add(kA, "bmV3");
    EXPECT_TRUE(refresh(kA).has_value());
    api_.delivering_lists.set();
    until([&] { return cache_->find(kZ) != nullptr; });
    ASSERT_NE(cache_->find(kA), nullptr);
    EXPECT_EQ(cache_->find(kA)->primary_key, "bmV3");
}

TEST_F(ScopeCacheTest, AListingThatWasOvertakenByAQuestionDoesNotBringADeletedIdentityBack) {
    api_.add(kA, "a2V5");
    api_.add(kZ, "a2V5");
    api_.delivering_lists.reset();
    cache_->start();
    until([&] { return api_.lists == 1; });
    api_.identities.erase(kA);
    EXPECT_TRUE(refresh(kA).has_value());
    api_.delivering_lists.set();
    until([&] { return cache_->find(kZ) != nullptr; });
    EXPECT_EQ(cache_->find(kA), nullptr);
}

TEST_F(ScopeCacheTest, ALaterListingBringsNewKeysAfterAQuestion) {
    api_.add(kA, "b2xk");
    EXPECT_TRUE(refresh(kA).has_value());
    api_.add(kA, "bmV3");
    cache_->start();
    until([&] { return api_.lists == 2; });
    until([&] { return cache_->find(kA)->primary_key == "bmV3"; });
}

TEST_F(ScopeCacheTest, NoAnswerIsAnErrorAndIsAskedAgain) {
    api_.reachable = false;
    EXPECT_EQ(refresh(kA).error().code, Errc::unavailable);
    api_.reachable = true;
    api_.add(kA, "a2V5");
    EXPECT_TRUE(refresh(kA).has_value());
    EXPECT_NE(cache_->find(kA), nullptr);
}

}  // namespace
}  // namespace selvage::edge::hub
