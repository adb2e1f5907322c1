#include "edge/hub/twins/twin_cache.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "async/task_group.h"
#include "async/tests/run.h"
#include "edge/hub/upstream/tests/fake_links.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::edge::hub {
namespace {

using domain::Identity;
using namespace std::chrono_literals;

class TwinCacheTest : public ::testing::Test, public TwinListener {
public:
    TwinCacheTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-twins-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        store_ = *storage::open_sqlite_state_store({.path = folder_ + "/state.db"});
        sealed_ = std::make_unique<SealedStore>(*store_, random_, std::string(32, 'k'));
        begin();
    }
    ~TwinCacheTest() override {
        end();
        async::testing::run(loop_, store_->stop());
        sealed_.reset();
        store_.reset();
        std::filesystem::remove_all(folder_);
    }
    void begin() {
        twins_ = std::make_unique<TwinCache>(loop_.get_executor(), time_, *sealed_, links_, *this, counters_,
                                             TwinCache::Settings{});
        async::testing::run(loop_, [](TwinCache& twins) -> async::Awaitable<> {
            const auto started = co_await twins.start();
            EXPECT_TRUE(started.has_value());
        }(*twins_));
    }
    void end() {
        if (twins_) async::testing::run(loop_, twins_->stop());
        twins_.reset();
    }
    Result<std::string> get() {
        Result<std::string> got = fail(Errc::internal, "");
        async::testing::run(loop_, [](TwinCacheTest& t, Result<std::string>& out) -> async::Awaitable<> {
            out = co_await t.twins_->get(kModule);
        }(*this, got));
        return got;
    }
    Result<std::int64_t> patch(std::string text, std::optional<std::int64_t> if_version = {}) {
        Result<std::int64_t> got = fail(Errc::internal, "");
        async::testing::run(loop_, [](TwinCacheTest& t, std::string text_, std::optional<std::int64_t> version,
                                      Result<std::int64_t>& out) -> async::Awaitable<> {
            out = co_await t.twins_->patch_reported(kModule, std::move(text_), version);
        }(*this, std::move(text), if_version, got));
        return got;
    }
    void until(const std::function<bool()>& condition) {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (!condition() && std::chrono::steady_clock::now() < limit) {
            loop_.restart();
            loop_.run_one_for(1ms);
        }
        ASSERT_TRUE(condition());
    }
    testing::FakeLink& link() { return *links_.of(kModule); }

    void desired_changed(const Identity&, std::int64_t version, const std::string& text) override {
        desired_.push_back(std::to_string(version) + " " + text);
    }
    void reported_changed(const Identity&, const std::string& text) override { reported_.push_back(text); }

    static inline const Identity kModule = Identity::of_module("edge", "m");
    std::string folder_;
    boost::asio::io_context loop_;
    async::VirtualTime time_{loop_.get_executor(), UtcTime(1'700'000'000'000ms)};
    SeededRandom random_{1};
    HubCounters counters_;
    testing::FakeLinks links_{loop_.get_executor()};
    std::unique_ptr<storage::StateStore> store_;
    std::unique_ptr<SealedStore> sealed_;
    std::unique_ptr<TwinCache> twins_;
    std::vector<std::string> desired_, reported_;
};

constexpr const char* kDocument = R"({"desired":{"d":1,"$version":3},"reported":{"r":1,"$version":7}})";

TEST_F(TwinCacheTest, AnswersFromTheStoreWhileOfflineAndAfterARestart) {
    links_.online = false;
    EXPECT_EQ(get().error().code, Errc::unavailable);
    links_.online = true;
    link().twin = kDocument;
    EXPECT_EQ(get().value(), kDocument);
    links_.online = false;
    end();
    begin();
    EXPECT_EQ(get().value(), kDocument);
}

TEST_F(TwinCacheTest, WhatTheHubAboveDoesNotKnowIsNotAnsweredFromTheStore) {
    link().twin = kDocument;
    EXPECT_TRUE(get().has_value());
    link().twin = fail(Errc::not_found, "no such module");
    EXPECT_EQ(get().error().code, Errc::not_found);
}

TEST_F(TwinCacheTest, ReportedChangesAreAcceptedOfflineKeptAndPushedOnReconnection) {
    link().twin = kDocument;
    EXPECT_TRUE(get().has_value());
    links_.online = false;
    link().disconnect(0);
    EXPECT_EQ(patch(R"({"s":2,"$version":99})").value(), 8);
    EXPECT_EQ(patch(R"({"r":null})").value(), 9);
    EXPECT_EQ(get().value(), R"({"desired":{"d":1,"$version":3},"reported":{"s":2,"$version":9}})");
    EXPECT_EQ(reported_.size(), 2u);
    // A restart in between.
    end();
    begin();
    EXPECT_TRUE(link().patches.empty());
    links_.online = true;
    link().connect();
    until([&] { return link().patches.size() == 1; });
    EXPECT_EQ(link().patches[0], R"({"s":2,"r":null})");
    // Acknowledged: another restart sends nothing.
    until([&] { return !get()->empty(); });
    end();
    link().patches.clear();
    begin();
    for (int i = 0; i < 20; ++i) loop_.poll();
    EXPECT_TRUE(link().patches.empty());
}

TEST_F(TwinCacheTest, APatchThatTheHubAboveRefusesForGoodIsGivenUp) {
    link().twin = kDocument;
    EXPECT_TRUE(get().has_value());
    link().patch_answer = fail(Errc::invalid_argument, "no");
    EXPECT_TRUE(patch(R"({"s":2})").has_value());
    until([&] { return counters_.reported_patches_refused == 1; });
    links_.online = false;
    until([&] { return get().value().find("\"s\"") == std::string::npos; });
    EXPECT_EQ(link().patches.size(), 1u);
}

TEST_F(TwinCacheTest, AFailedPushIsTriedAgainAfterAPause) {
    link().patch_answer = fail(Errc::timeout, "slow");
    EXPECT_TRUE(patch(R"({"s":2})").has_value());
    until([&] { return link().patches.size() == 1 && time_.next_wake().has_value(); });
    link().patch_answer = 5;
    until([&] {
        time_.advance(1s);
        return link().patches.size() == 2;
    });
    EXPECT_EQ(link().patches[1], R"({"s":2})");
}

TEST_F(TwinCacheTest, BadPatchesAreRefusedAndChangeNothing) {
    EXPECT_EQ(patch("[1]").error().code, Errc::malformed);
    EXPECT_EQ(patch(R"({"a.b":1})").error().code, Errc::invalid_argument);
    EXPECT_EQ(patch(R"({"a":")" + std::string(5000, 'x') + "\"}").error().code, Errc::invalid_argument);
    std::string big = "{";
    for (int i = 0; i < 10; ++i) big += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":\"" + std::string(4000, 'x') + "\"";
    EXPECT_EQ(patch(big + "}").error().code, Errc::invalid_argument);
    EXPECT_EQ(patch(R"({"a":1})", 5).error().code, Errc::precondition_failed);
    EXPECT_TRUE(reported_.empty());
    EXPECT_TRUE(link().patches.empty());
}

TEST_F(TwinCacheTest, TheNextDesiredVersionIsPassedOnAndAGapIsFilled) {
    link().twin = kDocument;
    EXPECT_TRUE(get().has_value());
    twins_->desired_arrived(kModule, 4, R"({"e":2,"$version":4})");
    until([&] { return desired_.size() == 1; });
    EXPECT_EQ(desired_[0], R"(4 {"e":2,"$version":4})");
    twins_->desired_arrived(kModule, 4, R"({"e":2,"$version":4})");
    link().twin = R"({"desired":{"e":3,"f":4,"$version":7},"reported":{"$version":7}})";
    twins_->desired_arrived(kModule, 7, R"({"f":4,"$version":7})");
    until([&] { return desired_.size() == 2; });
    EXPECT_EQ(parse_json(desired_[1].substr(2)).value(), parse_json(R"({"d":null,"e":3,"f":4,"$version":7})").value());
}

TEST_F(TwinCacheTest, WhatWasMissedWhileAwayComesAsOnePatch) {
    link().twin = kDocument;
    EXPECT_TRUE(get().has_value());
    link().twin = R"({"desired":{"d":2,"$version":9},"reported":{"r":1,"$version":7}})";
    twins_->link_connected(kModule, true);
    until([&] { return desired_.size() == 1; });
    EXPECT_EQ(desired_[0], R"(9 {"d":2,"$version":9})");
    twins_->link_connected(kModule, true);
    for (int i = 0; i < 50; ++i) {
        loop_.restart();
        loop_.run_one_for(1ms);
    }
    EXPECT_EQ(desired_.size(), 1u);
}

async::Awaitable<> ask(TwinCache* twins, Identity who, int* cancelled) {
    const auto got = co_await twins->get(who);
    if (!got && got.error().code == Errc::cancelled) ++*cancelled;
}

TEST_F(TwinCacheTest, AStopAnswersThoseWhoseTurnHasNotCome) {
    int cancelled = 0;
    async::TaskGroup callers(loop_.get_executor());
    for (int i = 0; i < 5; ++i) callers.spawn("ask", ask(twins_.get(), kModule, &cancelled));
    EXPECT_EQ(callers.size(), 5u);
    async::testing::run(loop_, twins_->stop());
    until([&] { return callers.size() == 0; });
    EXPECT_EQ(cancelled, 5);
}

// The links of a device come back one by one; the hub's own may be the last.
TEST_F(TwinCacheTest, WhatWasMissedIsAskedForAgainWhenItCouldNotBeAskedAtOnce) {
    link().twin = kDocument;
    EXPECT_TRUE(get().has_value());
    link().twin = R"({"desired":{"d":2,"$version":9},"reported":{"r":1,"$version":7}})";
    links_.online = false;
    twins_->link_connected(kModule, true);
    until([&] { return time_.next_wake().has_value(); });
    EXPECT_EQ(desired_.size(), 0u);
    links_.online = true;
    until([&] {
        time_.advance(1s);
        return desired_.size() == 1;
    });
    EXPECT_EQ(desired_[0], R"(9 {"d":2,"$version":9})");
}

TEST_F(TwinCacheTest, AClientThatWasAnsweredFromTheStoreHearsWhatIsNewerOnceThatIsKnown) {
    link().twin = kDocument;
    EXPECT_TRUE(get().has_value());
    links_.online = false;
    // Its link is there already, from its last visit: it does not connect again.
    link().twin = R"({"desired":{"d":2,"$version":9},"reported":{"r":1,"$version":7}})";
    EXPECT_EQ(get().value(), kDocument);
    until([&] { return time_.next_wake().has_value(); });
    EXPECT_EQ(desired_.size(), 0u);
    links_.online = true;
    until([&] {
        time_.advance(1s);
        return desired_.size() == 1;
    });
    EXPECT_EQ(desired_[0], R"(9 {"d":2,"$version":9})");
}

TEST_F(TwinCacheTest, AGapThatCouldNotBeFilledIsFilledLater) {
    link().twin = kDocument;
    EXPECT_TRUE(get().has_value());
    link().twin = fail(Errc::timeout, "slow");
    twins_->desired_arrived(kModule, 7, R"({"f":4,"$version":7})");
    until([&] { return time_.next_wake().has_value(); });
    link().twin = R"({"desired":{"d":1,"f":4,"$version":7},"reported":{"$version":7}})";
    until([&] {
        time_.advance(1s);
        return desired_.size() == 1;
    });
    EXPECT_EQ(desired_[0], R"(7 {"f":4,"$version":7})");
}

}  // namespace
}  // namespace selvage::edge::hub
