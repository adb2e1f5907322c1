#include <fmt/format.h>

#include "net/http.h"
#include "net/tests/support.h"

namespace selvage::net::testing {
namespace {

class HttpClientTest : public NetTest {
protected:
    // A server whose bytes the test says itself: for the n-th connection (from 0).
    using Script = std::function<Awaitable<>(int connection, std::shared_ptr<Stream> stream)>;
    int connections = 0;

    std::unique_ptr<Listener> script(Script each) {
        return listen(
            [this, each = std::move(each)](std::shared_ptr<Stream> stream) -> Awaitable<> {
                const int number = connections++;
                co_await each(number, stream);
            });
    }
    HttpClient client(const Listener& listener, HttpClientSettings settings = {}) {
        return HttpClient(*dialer, time, {.host = "127.0.0.1", .port = listener.port()}, settings);
    }
    static Awaitable<std::string> read_head(Stream& stream) {
        std::string head;
        while (!head.ends_with("\r\n\r\n")) {
            const auto byte = co_await read_text(stream, 1);
            if (byte.empty()) break;
            head += byte;
        }
        co_return head;
    }
    static Awaitable<> say(Stream& stream, std::string text) {
        ignore(co_await stream.write(text), "the client may have left");
    }
};

TEST_F(HttpClientTest, TalksToOurServerAndKeepsOneConnection) {
    const auto listener = listen([&](std::shared_ptr<Stream> stream) -> Awaitable<> {
        ++connections;
        const auto handler = [](HttpRequest request) -> Awaitable<HttpResponse> {
            HttpResponse response{.status = 201};
            response.headers.set("X-Host", request.headers.get("host"));
            response.body = request.method + " " + request.body;
            co_return response;
        };
        co_await serve_http(stream, time, {}, handler);
    });
    run([&]() -> Awaitable<> {
        auto http = client(*listener);
        for (int i = 0; i < 3; ++i) {
            const auto answer =
                co_await http.send({.method = "POST", .target = "/x", .headers = {}, .body = "b"});
            EXPECT_TRUE(answer) << answer.error().detail;
            EXPECT_EQ(answer->status, 201);
            EXPECT_EQ(answer->reason, "Created");
            EXPECT_EQ(answer->body, "POST b");
            EXPECT_EQ(answer->headers.get("x-host"), fmt::format("127.0.0.1:{}", listener->port()));
        }
        EXPECT_EQ(connections, 1);
        co_await listener->stop();
    }());
}

TEST_F(HttpClientTest, TalksOverAUnixSocketAsLocalhost) {
    const TempFolder folder;
    const auto path = folder.path("api.sock");
    std::string head;
    auto listener = listen_unix(loop.get_executor(), time, path, 0600, {},
                                [&](std::shared_ptr<Stream> stream) -> Awaitable<> {
                                    head = co_await read_head(*stream);
                                    co_await say(*stream, "HTTP/1.1 204 No Content\r\n\r\n");
                                });
    run([&]() -> Awaitable<> {
        HttpClient http(*dialer, time, {.unix_path = path});
        const auto answer = co_await http.send({.target = "/v1.41/info"});
        EXPECT_EQ(answer->status, 204);
        EXPECT_EQ(head, "GET /v1.41/info HTTP/1.1\r\nHost: localhost\r\n\r\n");
        co_await (*listener)->stop();
    }());
}

TEST_F(HttpClientTest, RetriesOnceWhenAKeptConnectionIsDead) {
    const auto listener = script([](int connection, std::shared_ptr<Stream> stream) -> Awaitable<> {
        (void)co_await read_head(*stream);
        co_await say(*stream,
                     fmt::format("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}", connection));
    });
    run([&]() -> Awaitable<> {
        auto http = client(*listener);
        EXPECT_EQ((co_await http.send({}))->body, "0");
        EXPECT_EQ((co_await http.send({}))->body, "1");
        EXPECT_EQ(connections, 2);
        co_await listener->stop();
    }());
}

TEST_F(HttpClientTest, DoesNotRetryAFreshConnectionNorACutAnswer) {
    const auto listener = script([](int connection, std::shared_ptr<Stream> stream) -> Awaitable<> {
        (void)co_await read_head(*stream);
        if (connection == 1)
            co_await say(*stream, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    });
    run([&]() -> Awaitable<> {
        auto http = client(*listener);
        const auto closed = co_await http.send({.target = "/x?sig=secret"});
        EXPECT_EQ(closed.error().code, Errc::unavailable);
        EXPECT_EQ(closed.error().detail,
                  "GET /x: the server closed the connection without an answer");
        const auto cut = co_await http.send({});
        EXPECT_EQ(cut.error().code, Errc::malformed) << cut.error().detail;
        EXPECT_EQ(connections, 2);
        co_await listener->stop();
    }());
}

TEST_F(HttpClientTest, UnderstandsTheShapesOfAnswers) {
    struct Row {
        const char* name;
        const char* method;
        std::string bytes;
        int status;
        std::string_view body;
    };
    const Row rows[] = {
        {"chunked", "GET",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 200,
         "abc"},
        {"until close", "GET", "HTTP/1.1 200 OK\r\n\r\nabc", 200, "abc"},
        {"old until close", "GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nabc", 200,
         "abc"},
        {"interim first", "POST",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", 200, "x"},
        {"head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", 200, ""},
        {"not modified", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", 304,
         ""},
        {"an early refusal", "POST",
         "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 413, ""},
    };
    for (const auto& row : rows) {
        const auto listener = script([&](int, std::shared_ptr<Stream> stream) -> Awaitable<> {
            (void)co_await read_head(*stream);
            co_await say(*stream, row.bytes);
        });
        run([&]() -> Awaitable<> {
            auto http = client(*listener);
            const auto answer = co_await http.send({.method = row.method});
            EXPECT_TRUE(answer) << row.name << ": " << answer.error().detail;
            EXPECT_EQ(answer->status, row.status) << row.name;
            EXPECT_EQ(answer->body, row.body) << row.name;
            co_await listener->stop();
        }());
    }
}

TEST_F(HttpClientTest, BoundsTheBodyAndTheWait) {
    const auto listener = script([](int connection, std::shared_ptr<Stream> stream) -> Awaitable<> {
        (void)co_await read_head(*stream);
        if (connection == 0) co_await say(*stream, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n");
        if (connection == 2)
            co_await say(*stream, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
        (void)co_await read_to_end(*stream);
    });
    run([&]() -> Awaitable<> {
        auto http = client(*listener, {.response_timeout = 50ms, .body_bytes_max = 10});
        const auto large = co_await http.send({});
        EXPECT_EQ(large.error().code, Errc::quota_exceeded);
        const auto silent = co_await http.send({});
        EXPECT_EQ(silent.error().code, Errc::timeout);
        EXPECT_EQ(silent.error().detail, "GET /: the server did not answer in time");
        const auto stuck = co_await http.send({});
        EXPECT_EQ(stuck.error().code, Errc::timeout);
        co_await listener->stop();
    }());
}

TEST_F(HttpClientTest, RefusesToSendWhatWouldBreakTheHead) {
    const auto listener = script([](int, std::shared_ptr<Stream>) -> Awaitable<> { co_return; });
    run([&]() -> Awaitable<> {
        auto http = client(*listener);
        EXPECT_EQ((co_await http.send({.target = "/a b"})).error().code, Errc::invalid_argument);
        HttpRequest request;
        request.headers.set("X", "a\r\nY: b");
        EXPECT_EQ((co_await http.send(request)).error().code, Errc::invalid_argument);
        EXPECT_EQ(connections, 0);
        co_await listener->stop();
    }());
}

TEST_F(HttpClientTest, StreamsPartsAsTheyComeAndStopsWhenTold) {
    async::Event first_seen(loop.get_executor());
    async::Event cut(loop.get_executor());
    const auto listener = script([&](int, std::shared_ptr<Stream> stream) -> Awaitable<> {
        (void)co_await read_head(*stream);
        co_await say(*stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
        co_await first_seen.wait();
        co_await say(*stream, "3\r\ntwo\r\n");
        if ((co_await read_to_end(*stream)).empty()) cut.set();
    });
    run([&]() -> Awaitable<> {
        auto http = client(*listener);
        std::string parts;
        int status = 0;
        const auto on_part = [&](std::string_view part) -> Awaitable<bool> {
            parts += std::string(part) + "|";
            first_seen.set();
            co_return parts != "one|two|";
        };
        const auto on_head = [&](const HttpResponse& head) {
            status = head.status;
            return true;
        };
        const auto answer = co_await http.stream({.target = "/events"}, on_part, on_head);
        EXPECT_TRUE(answer) << answer.error().detail;
        EXPECT_EQ(parts, "one|two|");
        EXPECT_EQ(status, 200);
        EXPECT_EQ(answer->body, "");
        co_await cut.wait();
        co_await listener->stop();
    }());
}

TEST_F(HttpClientTest, AStreamThatIsCutIsAnError) {
    const auto listener = script([&](int, std::shared_ptr<Stream> stream) -> Awaitable<> {
        (void)co_await read_head(*stream);
        co_await say(*stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    });
    run([&]() -> Awaitable<> {
        auto http = client(*listener);
        const auto on_part = [](std::string_view) -> Awaitable<bool> { co_return true; };
        const auto answer = co_await http.stream({}, on_part);
        EXPECT_FALSE(answer);
        co_await listener->stop();
    }());
}

TEST_F(HttpClientTest, TalksOverTls) {
    const auto root = make_test_certificate({.common_name = "root", .authority = true});
    const auto leaf =
        make_test_certificate({.common_name = "hub", .names = {"DNS:localhost"}}, &root);
    const auto handler = [](HttpRequest request) -> Awaitable<HttpResponse> {
        co_return HttpResponse{.body = request.target};
    };
    const auto listener = listen(
        [&](std::shared_ptr<Stream> stream) -> Awaitable<> {
            co_await serve_http(stream, time, {}, handler);
        },
        *TlsServerContext::make(leaf.pem, leaf.key_pem, false));
    run([&]() -> Awaitable<> {
        HttpClient http(*dialer, time,
                        {.host = "localhost",
                         .port = listener->port(),
                         .unix_path = {},
                         .tls = *TlsClientContext::make(root.pem, false)});
        const auto answer = co_await http.send({.target = "/secure"});
        EXPECT_TRUE(answer) << answer.error().detail;
        EXPECT_EQ(answer->body, "/secure");

        HttpClient wrong(*dialer, time,
                         {.host = "127.0.0.1",
                          .port = listener->port(),
                          .unix_path = {},
                          .tls = *TlsClientContext::make(root.pem, false)});
        const auto refused = co_await wrong.send({});
        EXPECT_EQ(refused.error().code, Errc::unauthorized);
        co_await listener->stop();
    }());
}

}  // namespace
}  // namespace selvage::net::testing
