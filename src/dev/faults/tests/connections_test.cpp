#include "dev/faults/connections.h"

#include <gtest/gtest.h>

#include "async/tests/run.h"
#include "base/encoding.h"

namespace selvage::dev {
namespace {

using namespace std::chrono_literals;
using async::Awaitable;

struct ConnectionsTest : ::testing::Test {
    boost::asio::io_context loop;
    async::VirtualTime time{loop.get_executor(), UtcTime()};
    void run(Awaitable<> task) { async::testing::run(loop, std::move(task)); }
};

TEST_F(ConnectionsTest, ThatAreCutEndForBothSides) {
    run([](ConnectionsTest& test) -> Awaitable<> {
        Connections connections(test.time, Duration::zero());
        auto [near, far] = net::make_stream_pair(test.loop.get_executor());
        const auto watched = connections.watch(std::move(near));
        EXPECT_EQ(connections.cut(), 1u);
        std::array<std::byte, 16> buffer{};
        EXPECT_FALSE(co_await watched->read_some(buffer));
        const auto read = co_await far->read_some(buffer);
        EXPECT_TRUE(!read || *read == 0);
    }(*this));
}

TEST_F(ConnectionsTest, ThatHaveGoneAreNotCut) {
    Connections connections(time, Duration::zero());
    connections.watch(net::make_stream_pair(loop.get_executor()).first).reset();
    EXPECT_EQ(connections.cut(), 0u);
}

TEST_F(ConnectionsTest, AreLateByTheDelayAndLoseNothing) {
    Connections connections(time, 200ms);
    auto [near, far] = net::make_stream_pair(loop.get_executor());
    const auto watched = connections.watch(std::move(near));
    std::string read;
    async::TaskGroup reading(loop.get_executor());
    reading.spawn("read", [](net::Stream& stream, std::string& into) -> Awaitable<> {
        std::array<std::byte, 4> buffer{};
        while (into.size() < 11) {
            const auto count = co_await stream.read_some(buffer);
            if (!count) co_return;
            into += as_text(std::span(buffer).first(*count));
        }
    }(*watched, read));
    run([](net::Stream& stream) -> Awaitable<> { EXPECT_TRUE(co_await stream.write("hello there")); }(*far));
    loop.restart();
    loop.poll();
    EXPECT_EQ(read, "");
    for (int i = 0; i < 10 && read.size() < 11; ++i) {
        time.advance(200ms);
        loop.restart();
        loop.poll();
    }
    EXPECT_EQ(read, "hello there");
    run(reading.stop());
}

// Counts what it is asked for and gives streams in memory.
struct CountingDialer final : net::Dialer {
    explicit CountingDialer(async::Executor executor) : loop(std::move(executor)) {}
    Awaitable<Result<std::unique_ptr<net::Stream>>> dial(net::Target, std::chrono::milliseconds) override {
        auto [near, far] = net::make_stream_pair(loop);
        ends.push_back(std::move(far));
        co_return std::move(near);
    }
    async::Executor loop;
    std::vector<std::unique_ptr<net::Stream>> ends;
};

TEST_F(ConnectionsTest, OfALinkThatIsDownAreRefusedButThoseOfTheMachineItself) {
    run([](ConnectionsTest& test) -> Awaitable<> {
        CountingDialer network(test.loop.get_executor());
        BreakableDialer link(network, test.time);
        net::Target hub;
        hub.host = "hub";
        net::Target socket;
        socket.unix_path = "/some.sock";
        const auto before = co_await link.dial(hub, 1s);
        EXPECT_TRUE(before);
        link.take_down();
        std::array<std::byte, 16> buffer{};
        EXPECT_FALSE(co_await (*before)->read_some(buffer));
        const auto refused = co_await link.dial(hub, 1s);
        EXPECT_EQ(refused.error().code, Errc::unavailable);
        EXPECT_TRUE(co_await link.dial(socket, 1s));
        link.bring_up();
        EXPECT_TRUE(co_await link.dial(hub, 1s));
    }(*this));
}

}  // namespace
}  // namespace selvage::dev
