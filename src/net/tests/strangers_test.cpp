// What those may cost who have not said who they are: before the hello, in the handshake, before the first words.
#include <boost/asio/post.hpp>

#include <thread>

#include "net/socket.h"
#include "net/tests/support.h"

namespace selvage::net::testing {
namespace {

class Strangers : public TlsTest {
protected:
    std::string hello();
};

TEST_F(Strangers, AreDroppedIfTheyNeverShakeHands) {
    const auto listener = listen(echo, server(), {.handshake_timeout = 50ms});
    run([&]() -> Awaitable<> {
        auto silent = *co_await connect(listener->port());
        EXPECT_EQ(co_await read_to_end(*silent), "");
        co_await listener->stop();
    }());
}

// What a client sends first.
std::string Strangers::hello() {
    std::string bytes;
    const auto listener = listen([&](std::shared_ptr<Stream> stream) -> Awaitable<> {
        const auto count = co_await stream->read_some(read_buffer());
        if (count) bytes = as_text(read_buffer().first(*count));
    });
    run([&]() -> Awaitable<> {
        EXPECT_FALSE(co_await connect(listener->port(), client(), "localhost"));
        co_await listener->stop();
    }());
    return bytes;
}

TEST_F(Strangers, AHelloMayComeByteByByte) {
    const auto bytes = hello();
    const auto listener = listen(echo, server());
    run([&]() -> Awaitable<> {
        auto slow = *co_await connect(listener->port());
        for (const char byte : bytes) {
            EXPECT_TRUE(co_await slow->write(std::string_view(&byte, 1)));
            co_await yield_turn(loop.get_executor());
        }
        EXPECT_EQ(co_await read_text(*slow, 1), "\x16") << "a record of the server's handshake";
        co_await listener->stop();
    }());
}

TEST_F(Strangers, WhatIsNoHelloIsToldSoAtOnce) {
    const auto listener = listen(echo, server(), {.handshake_timeout = 1h});
    run([&]() -> Awaitable<> {
        for (const char* bytes : {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff\x01", "\x16"}) {
            auto stream = *co_await connect(listener->port());
            EXPECT_TRUE(co_await stream->write(bytes));
            if (std::string_view(bytes).size() == 1) stream->end_writing();
            co_await read_to_end(*stream);
        }
        co_await listener->stop();
    }());
}

TEST_F(Strangers, TheSilentTakeNoPlaceOfAHandshake) {
    const auto half = hello().substr(0, 100);
    const auto listener = listen(echo, server(), {.handshakes_max = 1, .handshake_patience = 1h});
    run([&]() -> Awaitable<> {
        std::vector<std::unique_ptr<Stream>> strangers;
        for (int i = 0; i < 4; ++i) {
            strangers.push_back(*co_await connect(listener->port()));
            if (i % 2 == 0) EXPECT_TRUE(co_await strangers.back()->write(half));
        }
        auto stream = *co_await connect(listener->port(), client(), "localhost");
        EXPECT_TRUE(co_await stream->write("x"));
        EXPECT_EQ(co_await read_text(*stream, 1), "x");
        co_await listener->stop();
    }());
}

TEST_F(Strangers, WhoStallsInAHandshakeIsDroppedWhenOthersWait) {
    const auto bytes = hello();
    const auto listener = listen(echo, server(), {.handshakes_max = 2, .handshake_patience = 20ms});
    run([&]() -> Awaitable<> {
        std::vector<std::unique_ptr<Stream>> strangers;
        // Nobody waits behind the one that comes last, so it may take its time.
        for (int i = 0; i < 2; ++i) {
            strangers.push_back(*co_await connect(listener->port()));
            EXPECT_TRUE(co_await strangers.back()->write(bytes));
            EXPECT_EQ(co_await read_text(*strangers.back(), 1), "\x16") << "it has its place";
        }
        auto stream = *co_await connect(listener->port(), client(), "localhost");
        EXPECT_TRUE(co_await stream->write("x"));
        EXPECT_EQ(co_await read_text(*stream, 1), "x");
        co_await read_to_end(*strangers.front());
        co_await listener->stop();
    }());
}

TEST_F(Strangers, WhoStallsInAHandshakeStaysWhenNobodyWaits) {
    const auto bytes = hello();
    const auto listener = listen(echo, server(), {.handshakes_max = 1, .handshake_patience = 0ms});
    run([&]() -> Awaitable<> {
        auto stalled = *co_await connect(listener->port());
        EXPECT_TRUE(co_await stalled->write(bytes));
        EXPECT_EQ(co_await read_text(*stalled, 1), "\x16");
        const ClosingTime closing(*stalled, time, loop.get_executor(), time.now() + 50ms);
        co_await read_to_end(*stalled);
        EXPECT_TRUE(closing.has_come()) << "and not the server";
        co_await listener->stop();
    }());
}

TEST_F(Strangers, StopEndsThoseInLine) {
    const auto bytes = hello();
    const auto listener = listen(echo, server(), {.handshakes_max = 1, .handshake_patience = 1h});
    run([&]() -> Awaitable<> {
        std::vector<std::unique_ptr<Stream>> strangers;
        for (int i = 0; i < 3; ++i) {
            strangers.push_back(*co_await connect(listener->port()));
            EXPECT_TRUE(co_await strangers.back()->write(bytes));
        }
        EXPECT_EQ(co_await read_text(*strangers.front(), 1), "\x16");
        co_await listener->stop();
        for (auto& stranger : strangers) co_await read_to_end(*stranger);
    }());
}

TEST_F(Strangers, IsServedOnceItsFirstWordsAreEnough) {
    int served = 0;
    std::vector<std::string> heard;
    const auto enough = [&](std::string_view first) {
        heard.emplace_back(first);
        return first.ends_with('.');
    };
    const auto listener = listen([&](std::shared_ptr<Stream> stream) -> Awaitable<> {
        ++served;
        return echo(std::move(stream));
    }, server(), {.said_enough = enough});
    run([&]() -> Awaitable<> {
        auto stream = *co_await connect(listener->port(), client(), "localhost");
        EXPECT_TRUE(co_await stream->write("one "));
        while (heard.empty()) co_await yield_turn(loop.get_executor());
        EXPECT_EQ(served, 0);
        EXPECT_TRUE(co_await stream->write("two."));
        EXPECT_EQ(co_await read_text(*stream, 8), "one two.") << "nothing of it is lost";
        EXPECT_EQ(served, 1);
        EXPECT_EQ(heard, (std::vector<std::string>{"one ", "one two."}));
        EXPECT_TRUE(co_await stream->write("three"));
        EXPECT_EQ(co_await read_text(*stream, 5), "three");
        co_await listener->stop();
    }());
}

TEST_F(Strangers, IsServedAlsoWhenItTalksWithoutEnd) {
    const auto listener = listen(echo, server(), {.said_enough = [](std::string_view) { return false; }});
    run([&]() -> Awaitable<> {
        auto stream = *co_await connect(listener->port(), client(), "localhost");
        const std::string long_words(3000, 'x');
        EXPECT_TRUE(co_await stream->write(long_words));
        EXPECT_EQ(co_await read_text(*stream, long_words.size()), long_words);
        co_await listener->stop();
    }());
}

TEST_F(Strangers, IsDroppedIfItsFirstWordsDoNotComeInTime) {
    bool served = false;
    const auto listener = listen([&](std::shared_ptr<Stream>) -> Awaitable<> {
        served = true;
        co_return;
    }, server(), {.said_enough = [](std::string_view) { return false; }, .first_words_timeout = 30ms});
    run([&]() -> Awaitable<> {
        auto silent = *co_await connect(listener->port(), client(), "localhost");
        auto brief = *co_await connect(listener->port(), client(), "localhost");
        EXPECT_TRUE(co_await brief->write("x"));
        EXPECT_EQ(co_await read_to_end(*silent), "");
        EXPECT_EQ(co_await read_to_end(*brief), "");
        auto gone = *co_await connect(listener->port(), client(), "localhost");
        gone->close();
        auto waiting = *co_await connect(listener->port(), client(), "localhost");
        co_await listener->stop();
        EXPECT_EQ(co_await read_to_end(*waiting), "") << "stop() ends those who wait";
    }());
    EXPECT_FALSE(served);
}

TEST_F(Strangers, WordsThatCameWithTheEndOfTheHandshakeAreHeard) {
    const auto device = make_test_certificate({.common_name = "device"});
    const auto listener = listen(echo, server(), {.said_enough = [](std::string_view first) { return first.size() == 5; }});
    std::string answer;
    std::thread other([&, port = listener->port()] {
        answer = talk_with_certificate(port, device, "hello");
        boost::asio::post(loop, [&] { loop.stop(); });
    });
    loop.run_for(10s);
    other.join();
    EXPECT_EQ(answer, "hello");
    loop.restart();
    run(listener->stop());
}

}  // namespace
}  // namespace selvage::net::testing
