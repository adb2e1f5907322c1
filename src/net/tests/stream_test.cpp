#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/socket.h"
#include "net/tests/support.h"

namespace selvage::net::testing {
namespace {

class StreamOverTcp : public NetTest {};
class StreamOverUnix : public NetTest {};
class StreamPair : public NetTest {};
class TcpListener : public NetTest {};

TEST_F(StreamOverTcp, EchoesAndTellsThePeersEnd) {
    const auto listener = listen(echo);
    run([&]() -> Awaitable<> {
        auto stream = co_await connect(listener->port());
        EXPECT_TRUE(stream) << stream.error().detail;
        EXPECT_EQ((*stream)->peer(), fmt::format("127.0.0.1:{}", listener->port()));
        EXPECT_TRUE(co_await (*stream)->write("hello"));
        EXPECT_EQ(co_await read_text(**stream, 5), "hello");
        EXPECT_EQ((*stream)->peer_pid(), -1);
        EXPECT_TRUE((*stream)->peer_certificates().empty());
        (*stream)->close();
        const auto dead = co_await (*stream)->write("x");
        EXPECT_EQ(dead.error().code, Errc::connection_closed);
        co_await listener->stop();
    }());
}

TEST_F(StreamOverTcp, TriesToWriteAndWaitsForTheRest) {
    const auto text = much_text();
    bool whole = false;
    const auto listener = listen([&](std::shared_ptr<Stream> stream) -> Awaitable<> {
        whole = co_await read_to_end(*stream) == text;
        ignore(co_await stream->write("done"), "the test reads");
    });
    run([&]() -> Awaitable<> {
        auto stream = *co_await connect(listener->port());
        std::string_view small = "";
        EXPECT_TRUE(stream->try_write(small)) << "nothing to write is written at once";
        co_await try_then_write(*stream, text);
        EXPECT_EQ(co_await read_to_end(*stream), "done");
        co_await listener->stop();
    }());
    EXPECT_TRUE(whole);
}

TEST_F(StreamOverTcp, ReadsZeroWhenThePeerHasClosed) {
    const auto listener = listen([](std::shared_ptr<Stream> stream) -> Awaitable<> {
        ignore(co_await stream->write("bye"), "");
    });
    run([&]() -> Awaitable<> {
        auto stream = co_await connect(listener->port());
        EXPECT_EQ(co_await read_to_end(**stream), "bye");
        std::array<std::byte, 8> buffer{};
        const auto again = co_await (*stream)->read_some(buffer);
        EXPECT_EQ(again.value_or(99), 0u);
        co_await listener->stop();
    }());
}

TEST_F(StreamOverTcp, EndsOneSideAtATime) {
    const auto listener = listen([](std::shared_ptr<Stream> stream) -> Awaitable<> {
        const auto text = co_await read_to_end(*stream);
        ignore(co_await stream->write("got " + text), "the test reads");
    });
    run([&]() -> Awaitable<> {
        auto stream = *co_await connect(listener->port());
        EXPECT_TRUE(co_await stream->write("all"));
        stream->end_writing();
        EXPECT_EQ((co_await stream->write("x")).error().code, Errc::connection_closed);
        EXPECT_EQ(co_await read_to_end(*stream), "got all");
        co_await listener->stop();
    }());
}

TEST_F(StreamOverTcp, CloseEndsAPendingRead) {
    const auto listener = listen(echo);
    run([&]() -> Awaitable<> {
        std::shared_ptr<Stream> stream = *co_await connect(listener->port());
        async::TaskGroup group(loop.get_executor());
        async::Event ended(loop.get_executor());
        Errc code = Errc::internal;
        const auto reader = [&]() -> Awaitable<> {
            std::array<std::byte, 8> buffer{};
            const auto count = co_await stream->read_some(buffer);
            if (!count) code = count.error().code;
            ended.set();
        };
        group.spawn("reader", reader());
        EXPECT_TRUE(co_await stream->write(
            "x"));  // lets the reader begin and have this echoed at the latest
        stream->close();
        co_await ended.wait();
        EXPECT_TRUE(code == Errc::cancelled || code == Errc::connection_closed) << name(code);
        co_await group.stop();
        co_await listener->stop();
    }());
}

TEST_F(StreamOverTcp, AClosingTimeEndsAReadUnlessItGoesFirst) {
    const auto listener = listen(echo);
    run([&]() -> Awaitable<> {
        auto stream = *co_await connect(listener->port());
        {
            const ClosingTime gone(*stream, time, loop.get_executor(), time.now());
        }
        EXPECT_TRUE(co_await stream->write("x"));
        EXPECT_EQ(co_await read_text(*stream, 1), "x") << "it went before its time";
        const ClosingTime closing(*stream, time, loop.get_executor(), time.now() + 10ms);
        EXPECT_FALSE(closing.has_come());
        const auto count = co_await stream->read_some(read_buffer());
        EXPECT_FALSE(count);
        EXPECT_TRUE(closing.has_come());
        co_await listener->stop();
    }());
}

TEST_F(StreamOverTcp, DialTellsARefusedConnectionAndAnUnknownName) {
    const auto listener = listen(echo);
    const auto port = listener->port();
    run([&]() -> Awaitable<> {
        co_await listener->stop();
        const auto refused = co_await connect(port);
        EXPECT_EQ(refused.error().code, Errc::unavailable);
        EXPECT_EQ(refused.error().detail,
                  fmt::format("connect to 127.0.0.1:{}: Connection refused", port));
        const auto unknown = co_await connect(port, nullptr, "no-such-host.invalid");
        EXPECT_EQ(unknown.error().code, Errc::unavailable);
        EXPECT_TRUE(unknown.error().detail.contains("resolve 'no-such-host.invalid'"))
            << unknown.error().detail;
    }());
}

TEST_F(StreamOverTcp, DialTriesAllAddressesOfAName) {
    // localhost is ::1 and 127.0.0.1 on most machines; only the latter listens.
    const auto listener = listen(echo);
    run([&]() -> Awaitable<> {
        auto stream = co_await connect(listener->port(), nullptr, "localhost");
        EXPECT_TRUE(stream) << stream.error().detail;
        co_await listener->stop();
    }());
}

TEST_F(StreamOverUnix, EchoesAndKnowsThePeersProcess) {
    const TempFolder folder;
    const auto path = folder.path("echo.sock");
    int pid = 0;
    int uid = -2;
    auto listener = listen_unix(loop.get_executor(), time, path, 0660, {},
                                [&](std::shared_ptr<Stream> stream) -> Awaitable<> {
                                    pid = stream->peer_pid();
                                    uid = stream->peer_uid();
                                    co_await echo(stream);
                                });
    ASSERT_TRUE(listener) << listener.error().detail;
    struct stat file{};
    ASSERT_EQ(::stat(path.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777, 0660u);
    run([&]() -> Awaitable<> {
        auto stream = co_await dialer->dial({.unix_path = path}, 5s);
        EXPECT_TRUE(stream) << stream.error().detail;
        EXPECT_TRUE(co_await (*stream)->write("hello"));
        EXPECT_EQ(co_await read_text(**stream, 5), "hello");
        EXPECT_EQ(pid, ::getpid());
        EXPECT_EQ(uid, static_cast<int>(::getuid()));
        co_await (*listener)->stop();
    }());
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(StreamOverUnix, TakesAStaleSocketButNotALiveOneOrAFile) {
    const TempFolder folder;
    const auto path = folder.path("s.sock");
    auto first = listen_unix(loop.get_executor(), time, path, 0600, {}, echo);
    ASSERT_TRUE(first);
    const auto second = listen_unix(loop.get_executor(), time, path, 0600, {}, echo);
    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().detail.contains("another process listens there"))
        << second.error().detail;

    // A process that was killed leaves its file: kept here under another name while the listener
    // ends.
    const auto stale = folder.path("stale.sock");
    std::filesystem::rename(path, stale);
    run((*first)->stop());
    auto third = listen_unix(loop.get_executor(), time, stale, 0600, {}, echo);
    EXPECT_TRUE(third) << third.error().detail;
    run((*third)->stop());

    const auto file = folder.path("file");
    ASSERT_TRUE(::symlink("/dev/null", file.c_str()) == 0);
    EXPECT_FALSE(listen_unix(loop.get_executor(), time, file, 0600, {}, echo));
    const auto too_long =
        listen_unix(loop.get_executor(), time, folder.path(std::string(120, 'x')), 0600, {}, echo);
    EXPECT_EQ(too_long.error().code, Errc::invalid_argument);
}

TEST_F(TcpListener, TellsABadAddressAndATakenPort) {
    const auto listener = listen(echo);
    const auto taken =
        listen_tcp(loop.get_executor(), time, "127.0.0.1", listener->port(), nullptr, {}, echo);
    EXPECT_EQ(taken.error().code, Errc::io_error);
    EXPECT_EQ(taken.error().detail,
              fmt::format("listen on 127.0.0.1:{}: Address already in use", listener->port()));
    const auto bad = listen_tcp(loop.get_executor(), time, "hub.example", 0, nullptr, {}, echo);
    EXPECT_EQ(bad.error().code, Errc::invalid_argument);
    run(listener->stop());
}

TEST_F(TcpListener, ServesNoMoreThanItsBoundAtATime) {
    int open = 0;
    int most = 0;
    const auto listener = listen(
        [&](std::shared_ptr<Stream> stream) -> Awaitable<> {
            most = std::max(most, ++open);
            co_await echo(stream);
            --open;
        },
        nullptr, {.connections_max = 2});
    run([&]() -> Awaitable<> {
        std::vector<std::unique_ptr<Stream>> streams;
        for (int i = 0; i < 5; ++i)
            streams.push_back(*co_await connect(listener->port()));
        for (auto& stream : streams) {
            EXPECT_TRUE(co_await stream->write("x"));
            EXPECT_EQ(co_await read_text(*stream, 1), "x");
            stream->close();
        }
        EXPECT_EQ(most, 2);
        co_await listener->stop();
    }());
}

TEST_F(TcpListener, WaitsForDescriptorsWhenThereAreNone) {
    int served = 0;
    const auto listener = listen([&](std::shared_ptr<Stream> stream) -> Awaitable<> {
        ++served;
        co_await echo(stream);
    });
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const int next = ::dup(0);
    ::close(next);
    run([&]() -> Awaitable<> {
        // Room for the client's own end only.
        const rlimit scarce{static_cast<rlim_t>(next) + 1, before.rlim_max};
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &scarce), 0);
        auto stream = co_await connect(listener->port());
        EXPECT_TRUE(stream) << stream.error().detail;
        for (int i = 0; i < 100; ++i)
            co_await yield_turn(loop.get_executor());
        EXPECT_EQ(served, 0);
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
        EXPECT_TRUE(co_await (*stream)->write("x"));
        EXPECT_EQ(co_await read_text(**stream, 1), "x");
        co_await listener->stop();
    }());
}

TEST_F(TcpListener, OneConnectionsExceptionEndsOnlyIt) {
    const auto listener = listen([](std::shared_ptr<Stream> stream) -> Awaitable<> {
        const auto text = co_await read_text(*stream, 1);
        if (text == "!") throw std::runtime_error("handler broke");
        ignore(co_await stream->write(text), "");
    });
    run([&]() -> Awaitable<> {
        auto bad = *co_await connect(listener->port());
        auto good = *co_await connect(listener->port());
        EXPECT_TRUE(co_await bad->write("!"));
        EXPECT_EQ(co_await read_to_end(*bad), "");
        EXPECT_TRUE(co_await good->write("y"));
        EXPECT_EQ(co_await read_text(*good, 1), "y");
        co_await listener->stop();
    }());
}

TEST_F(TcpListener, StopEndsAllConnections) {
    const auto listener = listen(echo);
    run([&]() -> Awaitable<> {
        auto stream = *co_await connect(listener->port());
        EXPECT_TRUE(co_await stream->write("x"));
        EXPECT_EQ(co_await read_text(*stream, 1), "x");
        co_await listener->stop();
        EXPECT_EQ(co_await read_to_end(*stream), "");
    }());
}

// Bytes that are there at once must not keep the rest of the loop waiting.
Awaitable<int> turns_of_others(async::Executor loop, Stream& full, int reads) {
    async::TaskGroup group(loop);
    int turns = 0;
    const auto other = [&]() -> Awaitable<> {
        for (;; ++turns)
            co_await yield_turn(loop);
    };
    group.spawn("other", other());
    for (int i = 0; i < reads; ++i)
        EXPECT_EQ(co_await read_text(full, 1), "x");
    co_await group.stop();
    co_return turns;
}

TEST_F(StreamOverTcp, AReaderWithMuchToReadLetsOthersRun) {
    const auto listener = listen([](std::shared_ptr<Stream> stream) -> Awaitable<> {
        ignore(co_await stream->write(std::string(1000, 'x')), "the test reads");
        co_await echo(stream);
    });
    run([&]() -> Awaitable<> {
        auto stream = *co_await connect(listener->port());
        EXPECT_GE(co_await turns_of_others(loop.get_executor(), *stream, 1000), 50);
        co_await listener->stop();
    }());
}

TEST_F(StreamPair, AReaderWithMuchToReadLetsOthersRun) {
    run([&]() -> Awaitable<> {
        auto [a, b] = make_stream_pair(loop.get_executor());
        EXPECT_TRUE(co_await a->write(std::string(1000, 'x')));
        EXPECT_GE(co_await turns_of_others(loop.get_executor(), *b, 1000), 50);
    }());
}

TEST_F(StreamPair, BehavesLikeASocket) {
    run([&]() -> Awaitable<> {
        auto [a, b] = make_stream_pair(loop.get_executor());
        EXPECT_TRUE(co_await a->write("one"));
        EXPECT_TRUE(co_await b->write("two"));
        EXPECT_EQ(co_await read_text(*b, 3), "one");
        EXPECT_EQ(co_await read_text(*a, 3), "two");
        EXPECT_TRUE(co_await a->write("last"));
        a->end_writing();
        EXPECT_EQ((co_await a->write("x")).error().code, Errc::connection_closed);
        EXPECT_EQ(co_await read_to_end(*b), "last");
        EXPECT_TRUE(co_await b->write("back"));
        EXPECT_EQ(co_await read_text(*a, 4), "back");
        a->close();
        const auto dead = co_await b->write("x");
        EXPECT_EQ(dead.error().code, Errc::connection_closed);
        const auto own = co_await read_text(*a, 1);
        EXPECT_EQ(own, "");
    }());
}

TEST_F(StreamPair, MakesTheWriterWaitForItsReader) {
    run([&]() -> Awaitable<> {
        auto [a, b] = make_stream_pair(loop.get_executor(), 16);
        async::TaskGroup group(loop.get_executor());
        async::Event written(loop.get_executor());
        const auto writer = [&, &out = *a]() -> Awaitable<> {
            EXPECT_TRUE(co_await out.write(std::string(100, 'x')));
            written.set();
        };
        group.spawn("writer", writer());
        EXPECT_EQ(co_await read_text(*b, 50), std::string(50, 'x'));
        EXPECT_FALSE(written.is_set());
        EXPECT_EQ(co_await read_text(*b, 50), std::string(50, 'x'));
        co_await written.wait();
        co_await group.stop();
    }());
}

}  // namespace
}  // namespace selvage::net::testing
