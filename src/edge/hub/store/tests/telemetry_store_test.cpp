// The router over the real log in a folder of its own.
#include "edge/hub/store/telemetry_store.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "async/event.h"
#include "async/tests/run.h"
#include "async/time_source.h"

namespace selvage::edge::hub {
namespace {

using domain::SystemProperty;
using namespace std::chrono_literals;

class TelemetryStoreTest : public ::testing::Test {
public:
    TelemetryStoreTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-store-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    ~TelemetryStoreTest() override { std::filesystem::remove_all(folder_); }

    struct Opened {
        std::unique_ptr<storage::MessageLog> log;
        HubCounters counters;
        std::unique_ptr<TelemetryStore> store;
        std::vector<StoredQueue> queues;
    };
    std::unique_ptr<Opened> open(std::uint64_t disk_bytes_max = 1 << 30) {
        auto opened = std::make_unique<Opened>();
        auto log = storage::MessageLog::open(loop_.get_executor(), time_,
                                             {.folder = folder_ + "/log",
                                              .durability = storage::Durability::process,
                                              .segment_bytes = 64 * 1024,
                                              .disk_bytes_max = disk_bytes_max});
        EXPECT_TRUE(log.has_value()) << (log ? "" : log.error().detail);
        opened->log = std::move(*log);
        opened->store = std::make_unique<TelemetryStore>(*opened->log, time_, "edge", opened->counters);
        opened->store->open([raw = opened.get()](const StoredQueue& queue) { raw->queues.push_back(queue); });
        return opened;
    }

    static domain::Message message(std::string_view module, std::string body) {
        domain::Message message;
        message.body = std::move(body);
        message.set(SystemProperty::connection_device_id, "edge");
        message.set(SystemProperty::connection_module_id, std::string(module));
        return message;
    }
    static query::RouteTable table(std::initializer_list<const char*> texts) {
        std::vector<query::Route> routes;
        for (const auto* text : texts) routes.push_back(*query::compile_route("r", text));
        return query::RouteTable(std::move(routes));
    }

    async::Awaitable<Result<>> accept(TelemetryStore& store, domain::Message message) {
        async::Event done(loop_.get_executor());
        Result<> result = fail(Errc::internal, "not called");
        store.accept(message, [&](const Result<>& stored) {
            result = stored;
            done.set();
        });
        co_await done.wait();
        co_return result;
    }
    async::Awaitable<std::vector<std::string>> bodies(Opened& opened, std::string_view queue) {
        std::vector<std::string> found;
        const auto id = opened.log->queue(queue);
        auto from = opened.log->state(id).cursor;
        while (true) {
            auto batch = co_await opened.log->read(id, from, 100, 1 << 20);
            EXPECT_TRUE(batch.has_value()) << (batch ? "" : batch.error().detail);
            if (!batch || batch->next == from) co_return found;
            for (const auto& record : batch->records) found.push_back(domain::read_record(record.payload)->body);
            from = batch->next;
        }
    }

    std::string folder_;
    boost::asio::io_context loop_;
    async::VirtualTime time_{loop_.get_executor(), UtcTime(1'700'000'000'000ms)};
};

TEST_F(TelemetryStoreTest, AcknowledgedMessagesSurviveReopeningInOrder) {
    async::testing::run(loop_, [](TelemetryStoreTest& t) -> async::Awaitable<> {
        auto first = t.open();
        first->store->apply(table({"FROM /messages/* INTO $upstream",
                                   "FROM /messages/modules/a/* INTO BrokeredEndpoint('/modules/b/inputs/in')"}),
                            7200s);
        EXPECT_EQ(first->queues.size(), 2u);
        for (const auto* body : {"1", "2", "3"})
            EXPECT_TRUE((co_await t.accept(*first->store, message("a", body))).has_value());
        EXPECT_TRUE((co_await t.accept(*first->store, message("c", "4"))).has_value());
        co_await first->log->stop();
        first.reset();

        // Without any route: what is stored is announced all the same.
        auto second = t.open();
        EXPECT_EQ(second->queues.size(), 2u);
        const std::vector<std::string> all{"1", "2", "3", "4"};
        const std::vector<std::string> for_b{"1", "2", "3"};
        EXPECT_EQ(co_await t.bodies(*second, "iothub"), all);
        EXPECT_EQ(co_await t.bodies(*second, "edge/b/in"), for_b);
        co_await second->log->stop();
    }(*this));
}

TEST_F(TelemetryStoreTest, UnroutedMessagesAreDoneAtOnceAndCounted) {
    auto opened = open();
    opened->store->apply(table({"FROM /messages/modules/x/* INTO $upstream"}), 7200s);
    bool done = false;
    opened->store->accept(message("a", "lost"), [&done](const Result<>& stored) { done = stored.has_value(); });
    EXPECT_TRUE(done);
    EXPECT_EQ(opened->counters.messages_unrouted, 1u);
    async::testing::run(loop_, opened->log->stop());
}

TEST_F(TelemetryStoreTest, TimeToLiveOfTheRouteComesBeforeTheHubs) {
    async::testing::run(loop_, [](TelemetryStoreTest& t) -> async::Awaitable<> {
        auto opened = t.open();
        std::vector<query::Route> routes;
        routes.push_back(*query::compile_route("short", "FROM /messages/modules/a/* INTO $upstream", 1, 10s));
        routes.push_back(*query::compile_route("hub", "FROM /messages/modules/b/* INTO $upstream", 2));
        opened->store->apply(query::RouteTable(std::move(routes)), 100s);
        EXPECT_TRUE((co_await t.accept(*opened->store, message("a", "a"))).has_value());
        EXPECT_TRUE((co_await t.accept(*opened->store, message("b", "b"))).has_value());
        const std::vector<std::string> a{"a"}, b{"b"}, none;
        EXPECT_EQ(co_await t.bodies(*opened, "iothub_Pri1"), a);
        t.time_.advance(11s);
        EXPECT_EQ(co_await t.bodies(*opened, "iothub_Pri1"), none);
        EXPECT_EQ(co_await t.bodies(*opened, "iothub_Pri2"), b);
        t.time_.advance(90s);
        EXPECT_EQ(co_await t.bodies(*opened, "iothub_Pri2"), none);
        co_await opened->log->stop();
    }(*this));
}

TEST_F(TelemetryStoreTest, AFullStoreRefusesAndSaysSo) {
    async::testing::run(loop_, [](TelemetryStoreTest& t) -> async::Awaitable<> {
        auto opened = t.open(256 * 1024);
        opened->store->apply(table({"FROM /* INTO $upstream"}), 7200s);
        Errc refused = Errc::internal;
        for (int i = 0; i < 1000 && refused == Errc::internal; ++i) {
            const auto stored = co_await t.accept(*opened->store, message("a", std::string(4096, 'x')));
            if (!stored) refused = stored.error().code;
        }
        EXPECT_EQ(refused, Errc::quota_exceeded);
        EXPECT_EQ(opened->counters.messages_refused_store, 1u);
        co_await opened->log->stop();
    }(*this), 30s);
}

TEST_F(TelemetryStoreTest, AModuleThatLeftTakesItsQueuesAlongUnlessARouteLeadsThere) {
    async::testing::run(loop_, [](TelemetryStoreTest& t) -> async::Awaitable<> {
        auto opened = t.open();
        opened->store->apply(table({"FROM /* INTO BrokeredEndpoint('/modules/b/inputs/in')"}), 7200s);
        EXPECT_TRUE((co_await t.accept(*opened->store, message("a", "1"))).has_value());
        EXPECT_EQ(opened->store->drop_module("b"), 0u);
        opened->store->apply(table({"FROM /* INTO $upstream"}), 7200s);
        EXPECT_EQ(opened->store->drop_module("b"), 1u);
        co_await opened->log->stop();
    }(*this));
}

}  // namespace
}  // namespace selvage::edge::hub
