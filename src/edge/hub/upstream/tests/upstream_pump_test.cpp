// The pump over the real log and a cloud that behaves badly.
#include "edge/hub/upstream/upstream_pump.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "async/tests/run.h"
#include "base/random.h"
#include "edge/hub/upstream/tests/fake_links.h"

namespace selvage::edge::hub {
namespace {

using domain::Identity;
using domain::SystemProperty;
using namespace std::chrono_literals;

class UpstreamPumpTest : public ::testing::Test {
protected:
    UpstreamPumpTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-pump-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        open_log();
    }
    ~UpstreamPumpTest() override {
        close_log();
        std::filesystem::remove_all(folder_);
    }
    void open_log() {
        log_ = *storage::MessageLog::open(loop_.get_executor(), time_,
                                          {.folder = folder_ + "/log",
                                           .durability = storage::Durability::process,
                                           .segment_bytes = 64 * 1024});
    }
    void close_log() {
        if (log_) async::testing::run(loop_, log_->stop());
        log_.reset();
    }
    std::unique_ptr<UpstreamPump> start_pump(UpstreamPump::Settings settings = {}) {
        auto pump = std::make_unique<UpstreamPump>(loop_.get_executor(), time_, *log_, links_, counters_, settings);
        pump->add_queue({log_->queue("iothub"), {query::UpstreamSink{}}});
        pump->add_queue({log_->queue("iothub_Pri0"), {query::UpstreamSink{}, 0}});
        pump->start();
        return pump;
    }
    void append(const Identity& sender, std::string body, const char* queue = "iothub", UtcTime expires = UtcTime::max()) {
        domain::Message message;
        message.body = std::move(body);
        message.set(SystemProperty::connection_device_id, sender.device);
        if (sender.is_module()) message.set(SystemProperty::connection_module_id, sender.module);
        std::string record;
        domain::append_record(message, record);
        const storage::Target target{log_->queue(queue), expires};
        log_->append({&target, 1}, record, [](const Result<>& done) { ASSERT_TRUE(done.has_value()); });
    }
    // Lets the loop (and the log's threads) work until the condition holds.
    void until(const std::function<bool()>& condition) {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (!condition() && std::chrono::steady_clock::now() < limit) turn();
        ASSERT_TRUE(condition());
    }
    void turn() {
        loop_.restart();
        loop_.run_one_for(1ms);
        // Sleepers of the pump wake at once: their pauses are not what is tested.
        if (time_.next_wake()) time_.advance(1s);
    }

    std::string folder_;
    boost::asio::io_context loop_;
    async::VirtualTime time_{loop_.get_executor(), UtcTime(1'700'000'000'000ms)};
    HubCounters counters_;
    testing::FakeLinks links_{loop_.get_executor()};
    std::unique_ptr<storage::MessageLog> log_;
};

const Identity kA = Identity::of_module("edge", "a");
const Identity kB = Identity::of_module("edge", "b");

TEST_F(UpstreamPumpTest, MovesTheCursorOnlyOverWhatIsAcknowledged) {
    const auto pump = start_pump();
    for (int i = 0; i < 4; ++i) append(i % 2 == 0 ? kA : kB, std::to_string(i));
    until([&] { return links_.of(kA)->in_flight() == 2 && links_.of(kB)->in_flight() == 2; });
    const auto queue = log_->queue("iothub");
    links_.of(kB)->acknowledge(2);
    for (int i = 0; i < 20; ++i) turn();
    EXPECT_EQ(log_->state(queue).cursor, 0u);
    links_.of(kA)->acknowledge(1);
    until([&] { return log_->state(queue).cursor == 2; });
    links_.of(kA)->acknowledge(1);
    until([&] { return log_->state(queue).cursor == 4; });
    EXPECT_EQ(counters_.messages_sent_upstream, 4u);
    EXPECT_EQ(pump->resident_bytes(), 0u);
    async::testing::run(loop_, pump->stop());
}

TEST_F(UpstreamPumpTest, AnOfflineSenderStopsNobodyAndMemoryStaysBounded) {
    const UpstreamPump::Settings settings{.bytes_max = 64 * 1024, .lane = {.records_max = 16, .bytes_max = 32 * 1024}};
    const auto pump = start_pump(settings);
    links_.of(kA)->disconnect(0);
    for (int i = 0; i < 2000; ++i) append(kA, std::to_string(i));
    for (int i = 0; i < 100; ++i) append(kB, std::to_string(i));
    std::size_t most = 0;
    until([&] {
        most = std::max(most, pump->resident_bytes());
        links_.of(kB)->acknowledge(8);
        return links_.received[kB].size() == 100;
    });
    EXPECT_LE(most, settings.bytes_max + 64 * 1024);
    // Back again, everything comes in order, read anew from the log.
    links_.of(kA)->connect();
    until([&] {
        links_.of(kA)->acknowledge(8);
        return links_.received[kA].size() == 2000;
    });
    for (int i = 0; i < 2000; ++i) ASSERT_EQ(links_.received[kA][static_cast<std::size_t>(i)], std::to_string(i));
    async::testing::run(loop_, pump->stop());
}

TEST_F(UpstreamPumpTest, TheUrgentQueueGoesFirst) {
    links_.of(kA)->disconnect(0);
    for (int i = 0; i < 5; ++i) append(kA, "slow");
    append(kA, "urgent", "iothub_Pri0");
    const auto pump = start_pump();
    for (int i = 0; i < 50; ++i) turn();
    links_.of(kA)->connect();
    until([&] {
        links_.of(kA)->acknowledge(8);
        return links_.received[kA].size() == 6;
    });
    EXPECT_EQ(links_.received[kA].front(), "urgent");
    async::testing::run(loop_, pump->stop());
}

TEST_F(UpstreamPumpTest, MessagesOfARemovedSenderAreDroppedAndCounted) {
    const auto pump = start_pump();
    links_.of(kA)->disconnect(0);
    for (int i = 0; i < 3; ++i) append(kA, "x");
    for (int i = 0; i < 50; ++i) turn();
    EXPECT_EQ(counters_.messages_dropped_sender, 0u);
    links_.gone.insert(kA);
    links_.of(kA)->stop();
    pump->sender_gone(kA);
    until([&] { return log_->state(log_->queue("iothub")).cursor == 3; });
    EXPECT_EQ(counters_.messages_dropped_sender, 3u);
    async::testing::run(loop_, pump->stop());
}

TEST_F(UpstreamPumpTest, WhatIsRefusedForGoodIsDroppedAndTheRestGoesOn) {
    const auto pump = start_pump();
    for (int i = 0; i < 3; ++i) append(kA, std::to_string(i));
    until([&] { return links_.of(kA)->in_flight() == 3; });
    links_.of(kA)->refuse_oldest(Errc::message_too_large);
    links_.of(kA)->acknowledge(2);
    until([&] { return log_->state(log_->queue("iothub")).cursor == 3; });
    EXPECT_EQ(counters_.messages_dropped_invalid, 1u);
    const std::vector<std::string> rest{"1", "2"};
    EXPECT_EQ(links_.received[kA], rest);
    async::testing::run(loop_, pump->stop());
}

TEST_F(UpstreamPumpTest, ExpiredRecordsAreSkippedAndDoNotHoldTheCursor) {
    append(kA, "old", "iothub", time_.utc_now() + 1s);
    append(kA, "new");
    async::testing::run(loop_, [](storage::MessageLog& log) -> async::Awaitable<> { ignore(co_await log.flush(), "test"); }(*log_));
    time_.advance(2s);
    const auto pump = start_pump();
    until([&] { return links_.of(kA)->in_flight() == 1; });
    links_.of(kA)->acknowledge(1);
    until([&] { return log_->state(log_->queue("iothub")).cursor == 2; });
    EXPECT_EQ(counters_.messages_expired, 1u);
    async::testing::run(loop_, pump->stop());
}

// Whatever happens to connections and to this process: nothing is lost, nothing overtakes, and what comes twice comes again
// from its first gap on.
TEST_F(UpstreamPumpTest, NothingIsLostAndOrderIsKeptUnderRandomLosses) {
    const Identity senders[] = {kA, kB, Identity::of_device("leaf")};
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        SeededRandom random(seed);
        links_.received.clear();
        for (auto& [identity, link] : links_.links) link->stop();
        links_.links.clear();
        const UpstreamPump::Settings settings{.bytes_max = 16 * 1024, .lane = {.records_max = 8, .bytes_max = 8 * 1024}};
        auto pump = start_pump(settings);
        std::map<Identity, int> appended;
        for (int step = 0; step < 3000; ++step) {
            const auto& sender = senders[random.next() % 3];
            const auto link = links_.of(sender);
            switch (random.next() % 8) {
                case 0:
                case 1:
                    if (appended[sender] < 200) append(sender, std::to_string(appended[sender]++));
                    break;
                case 2:
                case 3: link->acknowledge(random.next() % 5); break;
                case 4:
                    if (random.next() % 10 == 0) link->disconnect(random.next() % 9);
                    break;
                case 5: link->connect(); break;
                case 6:
                    if (random.next() % 200 == 0) {
                        async::testing::run(loop_, pump->stop());
                        for (auto& [identity, each] : links_.links) each->stop();
                        links_.links.clear();
                        close_log();
                        open_log();
                        pump = start_pump(settings);
                    }
                    break;
                default: turn();
            }
        }
        const auto arrived = [&](const Identity& sender) {
            std::set<std::string> distinct(links_.received[sender].begin(), links_.received[sender].end());
            return distinct.size() == static_cast<std::size_t>(appended[sender]);
        };
        until([&] {
            for (const auto& sender : senders) {
                if (!links_.of(sender)->is_connected()) links_.of(sender)->connect();
                links_.of(sender)->acknowledge(8);
            }
            return arrived(senders[0]) && arrived(senders[1]) && arrived(senders[2]);
        });
        for (const auto& sender : senders) {
            int next = 0;
            for (const auto& body : links_.received[sender]) {
                ASSERT_LE(std::stoi(body), next) << "seed " << seed << ": a message overtook an earlier one";
                next = std::max(next, std::stoi(body) + 1);
            }
        }
        until([&] {
            for (const auto& sender : senders) links_.of(sender)->acknowledge(8);
            const auto state = log_->state(log_->queue("iothub"));
            return state.cursor == state.end;
        });
        async::testing::run(loop_, pump->stop());
    }
}

}  // namespace
}  // namespace selvage::edge::hub
