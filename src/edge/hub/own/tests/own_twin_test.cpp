#include "edge/hub/own/own_twin.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "async/tests/run.h"
#include "edge/hub/upstream/tests/fake_links.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::edge::hub {
namespace {

using domain::Identity;
using namespace std::chrono_literals;

const Identity kOwn = Identity::of_module("edge", "$edgeHub");

// The hub's own twin with everything below it that runs in one process: twin cache, sealed store, SQLite.
class OwnTwinTest : public ::testing::Test, public TwinListener {
public:
    OwnTwinTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-own-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        store_ = *storage::open_sqlite_state_store({.path = folder_ + "/state.db"});
        sealed_ = std::make_unique<SealedStore>(*store_, random_, std::string(32, 'k'));
    }
    ~OwnTwinTest() override {
        end();
        async::testing::run(loop_, store_->stop());
        sealed_.reset();
        store_.reset();
        std::filesystem::remove_all(folder_);
    }
    void begin() {
        twins_ = std::make_unique<TwinCache>(loop_.get_executor(), time_, *sealed_, links_, *this, counters_,
                                             TwinCache::Settings{});
        own_ = std::make_unique<OwnTwin>(
            loop_.get_executor(), time_, *sealed_, *twins_,
            [this](HubConfiguration given) { applied_.push_back(given.routes.routes().size()); },
            OwnTwin::Settings{.edge_device = "edge", .version = {"1.2.3", "b", "c"}});
        async::testing::run(loop_, [](OwnTwinTest& t) -> async::Awaitable<> {
            const auto twins = co_await t.twins_->start();
            const auto own = co_await t.own_->start();
            EXPECT_TRUE(twins.has_value() && own.has_value());
        }(*this));
    }
    void end() {
        if (!own_) return;
        async::testing::run(loop_, own_->stop());
        async::testing::run(loop_, twins_->stop());
        own_.reset();
        twins_.reset();
    }
    void until(const std::function<bool()>& condition) {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (!condition() && std::chrono::steady_clock::now() < limit) {
            loop_.restart();
            loop_.run_one_for(1ms);
        }
        ASSERT_TRUE(condition());
    }
    // What the hub above has heard, merged.
    JsonObject reported() {
        JsonObject merged;
        for (const auto& patch : links_.of(kOwn)->patches) domain::merge_patch(merged, *parse_json_object(patch));
        return merged;
    }
    std::string status() {
        const auto whole = reported();
        const auto* found = find_object(whole, "lastDesiredStatus");
        return found == nullptr ? "" : to_text(*found);
    }
    void set_desired(std::string_view routes, int version) {
        links_.of(kOwn)->twin = R"({"desired":{"schemaVersion":"1.1","routes":)" + std::string(routes) +
                                R"(,"storeAndForwardConfiguration":{"timeToLiveSecs":7200},"$version":)" +
                                std::to_string(version) + R"(},"reported":{"$version":1}})";
    }

    void desired_changed(const Identity&, std::int64_t, const std::string&) override { own_->look_again(); }
    void reported_changed(const Identity&, const std::string&) override {}

    std::string folder_;
    boost::asio::io_context loop_;
    async::VirtualTime time_{loop_.get_executor(), UtcTime(1'700'000'000'000ms)};
    SeededRandom random_{1};
    HubCounters counters_;
    testing::FakeLinks links_{loop_.get_executor()};
    std::unique_ptr<storage::StateStore> store_;
    std::unique_ptr<SealedStore> sealed_;
    std::unique_ptr<TwinCache> twins_;
    std::unique_ptr<OwnTwin> own_;
    std::vector<std::size_t> applied_;
};

TEST_F(OwnTwinTest, AppliesAndReportsAndStartsOfflineWithTheLastGoodConfiguration) {
    set_desired(R"({"r":"FROM /* INTO $upstream"})", 5);
    begin();
    until([&] { return status() == R"({"code":200,"description":""})"; });
    EXPECT_TRUE(own_->is_configured());
    EXPECT_EQ(find_integer(reported(), "lastDesiredVersion"), 5);
    EXPECT_EQ(find_text(reported(), "schemaVersion"), "1.0");
    EXPECT_EQ(to_text(*find_object(reported(), "version")), R"({"version":"1.2.3","build":"b","commit":"c"})");
    end();
    links_.online = false;
    links_.of(kOwn)->disconnect(0);
    applied_.clear();
    begin();
    EXPECT_TRUE(own_->is_configured());
    EXPECT_EQ(applied_, std::vector<std::size_t>{1});
}

TEST_F(OwnTwinTest, ABadConfigurationIsReportedAndChangesNothing) {
    set_desired(R"({"r":"FROM /* INTO $upstream"})", 5);
    begin();
    until([&] { return applied_.size() == 1 && !status().empty(); });
    set_desired(R"({"r":"FROM /* INTO $nowhere"})", 6);
    own_->look_again();
    until([&] { return find_integer(reported(), "lastDesiredVersion") == 6; });
    EXPECT_EQ(status(),
              R"({"code":400,"description":"Error while parsing desired properties - Error parsing route r - System endpoint type '$nowhere' not supported."})");
    EXPECT_EQ(applied_.size(), 1u);
    // A restart goes on with the good one.
    end();
    links_.online = false;
    applied_.clear();
    begin();
    EXPECT_EQ(applied_, std::vector<std::size_t>{1});
}

TEST_F(OwnTwinTest, WithoutAnyConfigurationWaitsForTheHubAbove) {
    links_.online = false;
    links_.of(kOwn)->disconnect(0);
    begin();
    EXPECT_FALSE(own_->is_configured());
    set_desired(R"({})", 1);
    links_.online = true;
    links_.of(kOwn)->connect();
    own_->look_again();
    until([&] { return own_->is_configured(); });
}

TEST_F(OwnTwinTest, ShowsWhoIsConnected) {
    set_desired(R"({})", 1);
    begin();
    own_->client_connected(Identity::of_module("edge", "m"));
    own_->client_connected(kOwn);
    until([&] { return find_object(reported(), "clients") != nullptr && find_object(reported(), "clients")->size() == 1; });
    own_->client_disconnected(Identity::of_module("edge", "m"));
    until([&] { return to_text(reported()).find("Disconnected") != std::string::npos; });
}

}  // namespace
}  // namespace selvage::edge::hub
