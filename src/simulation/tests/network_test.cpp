#include "simulation/network.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace selvage::simulation {
namespace {

using namespace std::chrono_literals;
using async::Awaitable;

struct NetworkTest : ::testing::Test {
    Trace trace;
    Schedule schedule{UtcTime(std::chrono::hours(1))};
    Network network{schedule, trace, 7};
    Endpoint server{network, "server"};
    Endpoint client{network, "client"};
    std::shared_ptr<net::Stream> accepted;
    std::unique_ptr<net::Stream> stream;
    std::string heard;
    std::optional<Error> trouble;

    void SetUp() override {
        server.listen(1, [this](std::shared_ptr<net::Stream> given) -> Awaitable<> {
            accepted = given;
            std::array<std::byte, 4096> buffer{};
            for (;;) {
                const auto count = co_await given->read_some(buffer);
                if (!count) trouble = count.error();
                if (!count || *count == 0) co_return;
                heard += as_text(std::span(buffer).first(*count));
            }
        });
    }
    void TearDown() override {
        stream.reset();
        accepted.reset();
        run([](NetworkTest& test) -> Awaitable<> { co_await test.server.stop(); }(*this));
    }
    void run(Awaitable<> task, Duration time = 1h) {
        bool ended = false;
        async::spawn_root(schedule.loop(), std::move(task), [&ended] { ended = true; });
        EXPECT_TRUE(schedule.run_until(schedule.now() + time, [&ended] { return ended; }));
    }
    Result<> dial(std::chrono::milliseconds timeout = 10s) {
        Result<> result;
        run([](NetworkTest& test, std::chrono::milliseconds limit, Result<>& out) -> Awaitable<> {
            net::Target target;
            target.host = "server";
            target.port = 1;
            auto dialled = co_await test.client.dial(target, limit);
            if (dialled) test.stream = *std::move(dialled);
            else out = fail(dialled.error());
        }(*this, timeout, result));
        return result;
    }
    Result<> write(std::string text) {
        Result<> result = fail(Errc::timeout, "not ended");
        run([](NetworkTest& test, std::string bytes, Result<>& out) -> Awaitable<> {
            out = co_await test.stream->write(bytes);
        }(*this, std::move(text), result));
        return result;
    }
    void pass(Duration time) { schedule.run_until(schedule.now() + time); }
};

TEST_F(NetworkTest, CarriesBytesInOrderAndTakesItsTime) {
    ASSERT_TRUE(dial());
    const auto before = schedule.now();
    for (const char* text : {"one ", "two ", "three"}) ASSERT_TRUE(write(text));
    EXPECT_EQ(heard, "");
    pass(1s);
    EXPECT_EQ(heard, "one two three");
    EXPECT_GT(schedule.now(), before);
}

TEST_F(NetworkTest, AWriterWaitsForASlowReader) {
    ASSERT_TRUE(dial());
    network.stall("client", "server", 10min);
    const auto before = schedule.now();
    ASSERT_TRUE(write(std::string(200'000, 'x')));
    EXPECT_GE(schedule.now() - before, Duration(10min));
    pass(1s);
    EXPECT_EQ(heard.size(), 200'000u);
}

TEST_F(NetworkTest, ACutIsSeenOnBothSides) {
    ASSERT_TRUE(dial());
    pass(1s);
    EXPECT_EQ(network.cut("client", "server"), 1u);
    pass(1ms);
    ASSERT_TRUE(trouble);
    EXPECT_EQ(trouble->code, Errc::connection_closed);
    EXPECT_EQ(write("x").error().code, Errc::connection_closed);
}

TEST_F(NetworkTest, AHalfOpenConnectionSwallowsWritesUntilTheWriterLosesPatience) {
    ASSERT_TRUE(dial());
    pass(1s);
    network.vanish("client", "server");
    ASSERT_TRUE(write("lost"));
    pass(29s);
    ASSERT_TRUE(write("lost too"));
    pass(2s);
    EXPECT_FALSE(write("x"));
    pass(1h);
    EXPECT_EQ(heard, "");
    EXPECT_FALSE(trouble) << "who only reads does not notice";
}

TEST_F(NetworkTest, DialsFailAsTheOutageSays) {
    network.block("client", "server", Network::Outage::refused);
    EXPECT_EQ(dial().error().code, Errc::unavailable);
    network.block("client", "server", Network::Outage::silent);
    const auto before = schedule.now();
    EXPECT_EQ(dial(20s).error().code, Errc::timeout);
    EXPECT_GE(schedule.now() - before, Duration(20s));
    network.unblock("client", "server");
    EXPECT_TRUE(dial());
}

TEST_F(NetworkTest, LostPacketsComeLaterAndWhatIsBehindThemWaits) {
    ASSERT_TRUE(dial());
    network.weather().loss = 0.5;
    const auto before = schedule.now();
    for (const char* text : {"a", "b", "c", "d", "e", "f", "g", "h"}) ASSERT_TRUE(write(text));
    while (heard.size() < 8 && schedule.now() - before < 1min) pass(10ms);
    EXPECT_EQ(heard, "abcdefgh");
    EXPECT_GT(schedule.now() - before, Duration(200ms));
    EXPECT_GT(trace.effects()[static_cast<std::size_t>(Effect::packet_lost)], 0u);
}

TEST_F(NetworkTest, WhatIsSaidOnOneConnectionOvertakesWhatIsSaidOnAnother) {
    ASSERT_TRUE(dial());
    network.scatter(10s);
    ASSERT_TRUE(write("slow "));
    ASSERT_TRUE(write("connection"));
    const auto slow = std::exchange(stream, nullptr);
    ASSERT_TRUE(dial());
    ASSERT_TRUE(write("fast "));
    pass(20s);
    EXPECT_EQ(heard, "fast slow connection");
}

TEST_F(NetworkTest, ProcessesOfOneComputerReachEachOthersSockets) {
    server.share_sockets("computer");
    client.share_sockets("computer", 42);
    int caller = -1;
    const auto listener = server.listen_unix("/one/folder/api.sock", [&](std::shared_ptr<net::Stream> given) -> Awaitable<> {
        caller = given->peer_pid();
        co_return;
    });
    const auto dial_socket = [this](Endpoint& from) {
        Result<> result;
        run([](Endpoint& endpoint, Result<>& out) -> Awaitable<> {
            net::Target target;
            target.unix_path = "/another/api.sock";
            const auto dialled = co_await endpoint.dial(target, 1s);
            if (!dialled) out = fail(dialled.error());
        }(from, result));
        return result;
    };
    EXPECT_TRUE(dial_socket(client));
    EXPECT_EQ(caller, 42);
    Endpoint stranger{network, "stranger"};
    stranger.share_sockets("another computer");
    EXPECT_EQ(dial_socket(stranger).error().code, Errc::unavailable);
    run([](net::Listener& one) -> Awaitable<> { co_await one.stop(); }(*listener));
    EXPECT_EQ(dial_socket(client).error().code, Errc::unavailable) << "nobody listens any more";
}

TEST_F(NetworkTest, ADeadProcessIsNoticedWhenItsKernelLives) {
    ASSERT_TRUE(dial());
    pass(1s);
    client.die(Endpoint::Death::told);
    pass(1s);
    EXPECT_FALSE(trouble) << "an orderly end of the bytes";
    EXPECT_FALSE(write("x"));
}

}  // namespace
}  // namespace selvage::simulation
