#include <thread>

#include "net/tests/support.h"
#include "net/tls.h"

namespace selvage::net::testing {
namespace {

class Tls : public TlsTest {
protected:
    // What a client says that trusts `trusted` and expects `host`.
    Awaitable<Error> refusal(std::uint16_t port, std::string trusted, std::string host) {
        const auto stream =
            co_await connect(port, *TlsClientContext::make(trusted, false), std::move(host));
        EXPECT_FALSE(stream);
        co_return stream ? Error{} : stream.error();
    }
};

TEST_F(Tls, EchoesByNameAndByAddress) {
    const auto listener =
        listen(echo, server({.common_name = "hub", .names = {"DNS:localhost", "IP:127.0.0.1"}}));
    run([&]() -> Awaitable<> {
        for (const char* host : {"localhost", "127.0.0.1"}) {
            auto stream = co_await connect(listener->port(), client(), host);
            EXPECT_TRUE(stream) << stream.error().detail;
            EXPECT_TRUE(co_await (*stream)->write("hello"));
            EXPECT_EQ(co_await read_text(**stream, 5), "hello");
        }
        co_await listener->stop();
    }());
}

TEST_F(Tls, TriesToWriteAndWaitsForTheRest) {
    const auto text = much_text();
    bool whole = false;
    const auto listener = listen([&](std::shared_ptr<Stream> stream) -> Awaitable<> {
        whole = co_await read_to_end(*stream) == text;
        ignore(co_await stream->write("done"), "the test reads");
    }, server());
    run([&]() -> Awaitable<> {
        auto stream = *co_await connect(listener->port(), client(), "localhost");
        std::string_view small = "";
        EXPECT_TRUE(stream->try_write(small)) << "nothing to write is written at once";
        co_await try_then_write(*stream, text);
        EXPECT_EQ(co_await read_to_end(*stream), "done");
        co_await listener->stop();
    }());
    EXPECT_TRUE(whole);
}

TEST_F(Tls, EndsOneSideAtATime) {
    const auto listener = listen(
        [](std::shared_ptr<Stream> stream) -> Awaitable<> {
            const auto text = co_await read_to_end(*stream);
            ignore(co_await stream->write("got " + text), "the test reads");
        },
        server());
    run([&]() -> Awaitable<> {
        auto stream = *co_await connect(listener->port(), client(), "localhost");
        EXPECT_TRUE(co_await stream->write("all"));
        stream->end_writing();
        EXPECT_EQ((co_await stream->write("x")).error().code, Errc::connection_closed);
        EXPECT_EQ(co_await read_to_end(*stream), "got all");
        co_await listener->stop();
    }());
}

TEST_F(Tls, ServesWithAnRsaKeyToo) {
    const auto listener =
        listen(echo, server({.common_name = "hub", .names = {"DNS:localhost"}, .rsa = true}));
    run([&]() -> Awaitable<> {
        auto stream = co_await connect(listener->port(), client(), "localhost");
        EXPECT_TRUE(stream) << stream.error().detail;
        EXPECT_TRUE(co_await (*stream)->write("hello"));
        EXPECT_EQ(co_await read_text(**stream, 5), "hello");
        co_await listener->stop();
    }());
}

TEST_F(Tls, SendsItsIntermediates) {
    const auto between =
        make_test_certificate({.common_name = "edge CA", .authority = true}, &root);
    const auto leaf =
        make_test_certificate({.common_name = "hub", .names = {"DNS:localhost"}}, &between);
    const auto listener =
        listen(echo, *TlsServerContext::make(leaf.pem + between.pem, leaf.key_pem, false));
    run([&]() -> Awaitable<> {
        auto stream = co_await connect(listener->port(), client(), "localhost");
        EXPECT_TRUE(stream) << stream.error().detail;
        const auto shown = (*stream)->peer_certificates();
        EXPECT_EQ(shown, (std::vector{leaf.pem, between.pem}));
        // What an operator hands out may be the intermediate alone.
        auto other = co_await connect(listener->port(), *TlsClientContext::make(between.pem, false),
                                      "localhost");
        EXPECT_TRUE(other) << other.error().detail;
        co_await listener->stop();
    }());
}

TEST_F(Tls, ClientSaysWhyItRefusesACertificate) {
    const auto listener = listen(echo, server());
    const auto expired = listen(echo, server({.common_name = "hub",
                                              .names = {"DNS:localhost"},
                                              .not_before = -48h,
                                              .not_after = -24h}));
    run([&]() -> Awaitable<> {
        const auto wrong_name = co_await refusal(listener->port(), root.pem, "127.0.0.1");
        EXPECT_EQ(wrong_name.code, Errc::unauthorized);
        EXPECT_TRUE(wrong_name.detail.contains(
            "the certificate of '127.0.0.1' is not acceptable: IP address mismatch"))
            << wrong_name.detail;

        const auto stranger = make_test_certificate({.common_name = "stranger", .authority = true});
        const auto unknown = co_await refusal(listener->port(), stranger.pem, "localhost");
        EXPECT_EQ(unknown.code, Errc::unauthorized);
        EXPECT_TRUE(unknown.detail.contains("unable to get local issuer certificate"))
            << unknown.detail;

        const auto old = co_await refusal(expired->port(), root.pem, "localhost");
        EXPECT_EQ(old.code, Errc::unauthorized);
        EXPECT_TRUE(old.detail.contains("certificate has expired")) << old.detail;
        co_await listener->stop();
        co_await expired->stop();
    }());
}

TEST_F(Tls, SurvivesPeersThatSpeakSomethingElse) {
    const auto secure = listen(echo, server());
    const auto plain = listen(echo);
    run([&]() -> Awaitable<> {
        auto stream = *co_await connect(secure->port());
        EXPECT_TRUE(co_await stream->write("GET / HTTP/1.1\r\n\r\n"));
        (void)co_await read_to_end(*stream);
        const auto refused = co_await connect(plain->port(), client(), "localhost");
        EXPECT_EQ(refused.error().code, Errc::unavailable) << refused.error().detail;
        co_await secure->stop();
        co_await plain->stop();
    }());
}

TEST_F(Tls, CarriesTenMegabytesEachWayAtOnce) {
    constexpr std::size_t kSize = 10 << 20;
    std::string sent(kSize, '\0');
    for (std::size_t i = 0; i < kSize; ++i)
        sent[i] = static_cast<char>(i * 31 / 7);
    std::string at_server;
    const auto both_ways = [&](std::shared_ptr<Stream> stream,
                               std::string& received) -> Awaitable<> {
        async::TaskGroup group(loop.get_executor());
        async::Event written(loop.get_executor());
        const auto writer = [&, stream]() -> Awaitable<> {
            EXPECT_TRUE(co_await stream->write(sent));
            written.set();
        };
        group.spawn("writer", writer());
        received = co_await read_text(*stream, kSize);
        co_await written.wait();
        co_await group.stop();
    };
    async::Event served(loop.get_executor());
    const auto listener = listen(
        [&](std::shared_ptr<Stream> stream) -> Awaitable<> {
            co_await both_ways(stream, at_server);
            served.set();
        },
        server());
    run(
        [&]() -> Awaitable<> {
            std::shared_ptr<Stream> stream =
                *co_await connect(listener->port(), client(), "localhost");
            std::string at_client;
            co_await both_ways(stream, at_client);
            co_await served.wait();
            EXPECT_TRUE(at_client == sent);
            EXPECT_TRUE(at_server == sent);
            co_await listener->stop();
        }(),
        60s);
}

TEST_F(Tls, AnEndWithoutCloseNotifyIsAnEnd) {
    std::string at_server;
    Result<std::size_t> end = fail(Errc::internal, "not read");
    async::Event received(loop.get_executor());
    async::Event served(loop.get_executor());
    const auto listener = listen(
        [&](std::shared_ptr<Stream> stream) -> Awaitable<> {
            at_server = co_await read_text(*stream, 5);
            received.set();
            std::array<std::byte, 8> buffer{};
            end = co_await stream->read_some(buffer);
            served.set();
        },
        server());
    // A relay in between, whose own connection can be dropped as if the device had lost its power.
    std::shared_ptr<Stream> inner;
    const auto relay = listen([&](std::shared_ptr<Stream> outside) -> Awaitable<> {
        inner = *co_await connect(listener->port());
        async::TaskGroup group(loop.get_executor());
        const auto pass = [](std::shared_ptr<Stream> from,
                             std::shared_ptr<Stream> to) -> Awaitable<> {
            for (;;) {
                const auto text = co_await read_text(*from, 1);
                if (text.empty() || !co_await to->write(text)) co_return;
            }
        };
        group.spawn("back", pass(inner, outside));
        co_await pass(outside, inner);
        co_await group.stop();
    });
    run([&]() -> Awaitable<> {
        auto stream = co_await connect(relay->port(), client(), "localhost");
        EXPECT_TRUE(stream) << stream.error().detail;
        EXPECT_TRUE(co_await (*stream)->write("hello"));
        co_await received.wait();
        inner->close();
        co_await served.wait();
        EXPECT_EQ(at_server, "hello");
        EXPECT_EQ(end.value_or(99), 0u);
        co_await relay->stop();
        co_await listener->stop();
    }());
}

TEST_F(Tls, ShowsTheServerTheClientsCertificate) {
    // The client side of this project authenticates with tokens; OpenSSL's own client shows what a
    // device would.
    const auto device = make_test_certificate({.common_name = "device"}, &root);
    std::vector<std::string> shown;
    async::Event seen(loop.get_executor());
    async::Event echoed(loop.get_executor());
    const auto listener = listen(
        [&](std::shared_ptr<Stream> stream) -> Awaitable<> {
            const auto certificates = stream->peer_certificates();
            if (!certificates.empty()) {
                shown = certificates;
                seen.set();
            }
            co_await echo(stream);
            if (!certificates.empty()) echoed.set();
        },
        server({.common_name = "hub", .names = {"DNS:localhost"}}, true));
    std::string answer;
    std::thread openssl(
        [&, port = listener->port()] { answer = talk_with_certificate(port, device, "hello"); });
    run([&]() -> Awaitable<> {
        // One without a certificate is let in, too.
        auto bare = *co_await connect(listener->port(), client(), "localhost");
        EXPECT_TRUE(co_await bare->write("x"));
        EXPECT_EQ(co_await read_text(*bare, 1), "x");
        co_await seen.wait();
        co_await echoed.wait();
        co_await listener->stop();
    }());
    openssl.join();
    EXPECT_EQ(answer, "hello");
    EXPECT_EQ(shown, std::vector{device.pem});
}

TEST_F(Tls, SwapsTheCertificateWhileConnectionsLive) {
    const auto context = server();
    const auto listener = listen(echo, context);
    const auto renewed =
        make_test_certificate({.common_name = "renewed", .names = {"DNS:localhost"}}, &root);
    run([&]() -> Awaitable<> {
        auto before = *co_await connect(listener->port(), client(), "localhost");
        EXPECT_TRUE(co_await before->write("a"));
        EXPECT_EQ(co_await read_text(*before, 1), "a");
        EXPECT_NE(before->peer_certificates().front(), renewed.pem);

        EXPECT_TRUE(context->replace_certificate(renewed.pem, renewed.key_pem));
        auto after = *co_await connect(listener->port(), client(), "localhost");
        EXPECT_EQ(after->peer_certificates().front(), renewed.pem);
        EXPECT_TRUE(co_await before->write("b"));
        EXPECT_EQ(co_await read_text(*before, 1), "b");
        co_await listener->stop();
    }());
}

TEST_F(Tls, DialGivesUpOnAServerThatNeverShakesHands) {
    const auto listener = listen(
        [](std::shared_ptr<Stream> stream) -> Awaitable<> { (void)co_await read_to_end(*stream); });
    run([&]() -> Awaitable<> {
        const auto stream = co_await dialer->dial(
            {.host = "127.0.0.1", .port = listener->port(), .tls = client()}, 50ms);
        EXPECT_EQ(stream.error().code, Errc::timeout);
        EXPECT_TRUE(stream.error().detail.contains("the TLS handshake did not come within 50 ms"))
            << stream.error().detail;
        co_await listener->stop();
    }());
}

TEST(TlsContext, RefusesWhatCannotServe) {
    const auto one = make_test_certificate({});
    const auto two = make_test_certificate({});
    EXPECT_EQ(TlsServerContext::make(one.pem, two.key_pem, false).error().code,
              Errc::invalid_argument);
    EXPECT_EQ(TlsServerContext::make("nonsense", one.key_pem, false).error().code, Errc::malformed);
    EXPECT_EQ(TlsServerContext::make(one.pem, "nonsense", false).error().code, Errc::malformed);
    auto cut = one.pem;
    cut.erase(100, 40);
    EXPECT_EQ(TlsServerContext::make(cut, one.key_pem, false).error().code, Errc::malformed);
    EXPECT_EQ(TlsClientContext::make("", false).error().code, Errc::invalid_argument);
    EXPECT_EQ(TlsClientContext::make("nonsense", true).error().code, Errc::malformed);
    EXPECT_TRUE(TlsClientContext::make("", true));
}

TEST(TlsContext, KeepsTheOldCertificateWhenTheNewOneIsBad) {
    const auto one = make_test_certificate({});
    const auto two = make_test_certificate({});
    const auto context = *TlsServerContext::make(one.pem, one.key_pem, false);
    EXPECT_FALSE(context->replace_certificate(two.pem, one.key_pem));
    EXPECT_TRUE(context->replace_certificate(two.pem, two.key_pem));
}

}  // namespace
}  // namespace selvage::net::testing
