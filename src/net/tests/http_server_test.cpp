#include <fmt/format.h>

#include "net/http.h"
#include "net/tests/support.h"

namespace selvage::net::testing {
namespace {

class HttpServer : public NetTest {
protected:
    HttpServerSettings settings;
    HttpHandler handler = [](HttpRequest request) -> Awaitable<HttpResponse> {
        HttpResponse response;
        response.body = fmt::format("{} {} {}", request.method, request.target, request.body);
        co_return response;
    };
    HttpUpgrade upgrade;

    // Serves `handler`, sends `bytes` from a raw client and returns all that comes back until the
    // server closes.
    std::string talk(std::string bytes) {
        std::string answer;
        const auto listener = listen([&](std::shared_ptr<Stream> stream) -> Awaitable<> {
            co_await serve_http(stream, time, settings, handler, upgrade);
        });
        run([&]() -> Awaitable<> {
            auto stream = *co_await connect(listener->port());
            EXPECT_TRUE(co_await stream->write(bytes));
            answer = co_await read_to_end(*stream);
            co_await listener->stop();
        }());
        return answer;
    }
};

TEST_F(HttpServer, AnswersWithWordsAndLength) {
    EXPECT_EQ(talk("GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
              "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /x ");
}

TEST_F(HttpServer, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
    EXPECT_EQ(talk("POST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"
                   "PUT /2 HTTP/1.1\r\nTransfer-Encoding: "
                   "chunked\r\n\r\n3\r\ncde\r\n2;x=y\r\nfg\r\n0\r\nTrailer: t\r\n\r\n"
                   "GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n"),
              "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nPOST /1 ab"
              "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nPUT /2 cdefg"
              "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /3 ");
}

TEST_F(HttpServer, AnOldClientGetsItsConnectionClosedUnlessItAsks) {
    EXPECT_EQ(talk("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n"),
              "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: keep-alive\r\n\r\nGET /1 "
              "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /2 ");
}

TEST_F(HttpServer, SendsNoBodyForHeadAnd204) {
    handler = [](HttpRequest request) -> Awaitable<HttpResponse> {
        HttpResponse response{.status = request.method == "DELETE" ? 204 : 200};
        response.body = "hello";
        co_return response;
    };
    EXPECT_EQ(talk("HEAD / HTTP/1.1\r\n\r\nDELETE / HTTP/1.1\r\nConnection: close\r\n\r\n"),
              "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
              "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

TEST_F(HttpServer, SaysContinueToAClientThatWaitsForIt) {
    std::string interim;
    std::string answer;
    const auto listener = listen([&](std::shared_ptr<Stream> stream) -> Awaitable<> {
        co_await serve_http(stream, time, settings, handler);
    });
    run([&]() -> Awaitable<> {
        auto stream = *co_await connect(listener->port());
        EXPECT_TRUE(
            co_await stream->write("POST / HTTP/1.1\r\nExpect: 100-continue\r\nConnection: "
                                   "close\r\nContent-Length: 2\r\n\r\n"));
        interim = co_await read_text(*stream, 25);
        EXPECT_TRUE(co_await stream->write("ab"));
        answer = co_await read_to_end(*stream);
        co_await listener->stop();
    }());
    EXPECT_EQ(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_TRUE(answer.ends_with("POST / ab")) << answer;
}

TEST_F(HttpServer, RefusesWithTheRightStatus) {
    settings.head_bytes_max = 200;
    settings.body_bytes_max = 10;
    struct Row {
        const char* name;
        std::string bytes;
        std::string_view status_line;
    };
    const Row rows[] = {
        {"no HTTP", "hello\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
        {"two lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
         "HTTP/1.1 400 Bad Request\r\n"},
        {"long head", "GET / HTTP/1.1\r\nX: " + std::string(300, 'x'),
         "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
        {"long body", "POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n",
         "HTTP/1.1 413 Content Too Large\r\n"},
        {"long body unsent",
         "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n",
         "HTTP/1.1 413 Content Too Large\r\n"},
        {"long chunks",
         "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n2\r\n",
         "HTTP/1.1 413 Content Too Large\r\n"},
        {"websocket not served",
         "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
         "HTTP/1.1 400 Bad Request\r\n"},
        {"bad second request", "GET / HTTP/1.1\r\n\r\nnonsense\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
    };
    for (const auto& row : rows)
        EXPECT_TRUE(talk(row.bytes).starts_with(row.status_line)) << row.name;
    EXPECT_TRUE(talk(rows[7].bytes).contains("HTTP/1.1 400 Bad Request\r\n"));
}

TEST_F(HttpServer, ARefusalReachesAClientThatIsStillSending) {
    settings.body_bytes_max = 10;
    // More than socket buffers hold: closing at once would reset the connection before the answer
    // is read.
    const auto answer =
        talk("POST / HTTP/1.1\r\nContent-Length: 700000\r\n\r\n" + std::string(700'000, 'x'));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
}

TEST_F(HttpServer, AnExceptionIsA500AndTheConnectionLives) {
    handler = [](HttpRequest request) -> Awaitable<HttpResponse> {
        if (request.target == "/broken") throw std::runtime_error("secret words");
        co_return HttpResponse{.body = "fine"};
    };
    const auto answer =
        talk("GET /broken HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n")) << answer;
    EXPECT_FALSE(answer.contains("secret"));
    EXPECT_TRUE(answer.ends_with("fine")) << answer;
}

TEST_F(HttpServer, AHandlersFieldCannotEndTheHead) {
    handler = [](HttpRequest) -> Awaitable<HttpResponse> {
        HttpResponse response;
        response.headers.set("X", "a\r\nSet-Cookie: b");
        co_return response;
    };
    const auto answer = talk("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
    EXPECT_FALSE(answer.contains("Set-Cookie"));
}

TEST_F(HttpServer, StreamsOneChunkAWrite) {
    handler = [](HttpRequest) -> Awaitable<HttpResponse> {
        HttpResponse response;
        response.stream = [](HttpBodyWriter& writer) -> Awaitable<Result<>> {
            SELVAGE_CO_CHECK(co_await writer.write("one"));
            SELVAGE_CO_CHECK(co_await writer.write(""));
            SELVAGE_CO_CHECK(co_await writer.write(std::string(17, 'x')));
            co_return Result<>{};
        };
        co_return response;
    };
    EXPECT_EQ(talk("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n"),
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
              "chunked\r\n\r\n3\r\none\r\n11\r\nxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n"
              "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nonexxxxxxxxxxxxxxxxx");
}

TEST_F(HttpServer, AStreamEndsWhenItsClientHasLeft) {
    async::Event ended(loop.get_executor());
    Errc code = Errc::internal;
    handler = [&](HttpRequest) -> Awaitable<HttpResponse> {
        HttpResponse response;
        response.stream = [&](HttpBodyWriter& writer) -> Awaitable<Result<>> {
            for (;;) {
                const auto written = co_await writer.write(std::string(1000, 'x'));
                if (written) continue;
                code = written.error().code;
                ended.set();
                co_return written;
            }
        };
        co_return response;
    };
    const auto listener = listen([&](std::shared_ptr<Stream> stream) -> Awaitable<> {
        co_await serve_http(stream, time, settings, handler);
    });
    run([&]() -> Awaitable<> {
        auto stream = *co_await connect(listener->port());
        EXPECT_TRUE(co_await stream->write("GET / HTTP/1.1\r\n\r\n"));
        EXPECT_EQ((co_await read_text(*stream, 5000)).size(), 5000u);
        stream->close();
        co_await ended.wait();
        EXPECT_EQ(code, Errc::connection_closed);
        co_await listener->stop();
    }());
}

TEST_F(HttpServer, ASlowRequestIsTimedOutAndAnIdleClientJustClosed) {
    settings.request_timeout = 50ms;
    settings.idle_timeout = 50ms;
    EXPECT_TRUE(talk("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab")
                    .starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    EXPECT_TRUE(talk("GET / HT").starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    EXPECT_EQ(talk(""), "");
    EXPECT_EQ(talk("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nGET / ");
    // Half of a second request came with the first.
    EXPECT_TRUE(talk("GET / HTTP/1.1\r\n\r\nGET").contains("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_F(HttpServer, HandsAWebSocketRequestOverWithItsFirstBytes) {
    std::string key;
    upgrade = [&](HttpRequest request, std::shared_ptr<Stream> stream) -> Awaitable<> {
        key = request.headers.get("Sec-WebSocket-Key");
        ignore(co_await stream->write("HTTP/1.1 101 Switching Protocols\r\n\r\n" + request.body),
               "the test reads");
        stream->close();
    };
    EXPECT_EQ(talk("GET /$iothub/websocket HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: "
                   "keep-alive, Upgrade\r\n"
                   "Sec-WebSocket-Key: k\r\n\r\nfirst"),
              "HTTP/1.1 101 Switching Protocols\r\n\r\nfirst");
    EXPECT_EQ(key, "k");
}

TEST_F(HttpServer, IgnoresAnUpgradeToAnythingElse) {
    const auto answer =
        talk("GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
}

// Bodies below /in are read as they come.
class HttpServerStreams : public HttpServer {
protected:
    HttpServerStreams() {
        settings.body_bytes_max = 10;
        settings.streamed_bytes_max = [](const HttpRequest& head) -> std::optional<std::uint64_t> {
            if (!head.target.starts_with("/in")) return std::nullopt;
            return 100'000;
        };
        handler = [this](HttpRequest request) -> Awaitable<HttpResponse> {
            HttpResponse response;
            if (request.incoming == nullptr) {
                response.body = "collected " + request.body;
                co_return response;
            }
            EXPECT_TRUE(request.body.empty());
            std::size_t bytes = 0;
            std::size_t parts = 0;
            while (bytes < enough) {
                const auto part = co_await request.incoming->read();
                if (!part) {
                    response.status = 400;
                    response.body = name(part.error().code);
                    co_return response;
                }
                if (!*part) break;
                EXPECT_FALSE((**part).empty());
                bytes += (**part).size();
                ++parts;
            }
            most_parts = std::max(most_parts, parts);
            response.body = fmt::format("streamed {}", bytes);
            co_return response;
        };
    }
    std::size_t enough = 1'000'000;
    std::size_t most_parts = 0;
};

TEST_F(HttpServerStreams, ABodyIsReadAsItComesAndTheConnectionGoesOn) {
    const std::string large(50'000, 'x');
    EXPECT_EQ(talk("PUT /in HTTP/1.1\r\nContent-Length: 50000\r\n\r\n" + large +
                   "PUT /in HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                   "PUT /in HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
                   "PUT /other HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"),
              "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nstreamed 50000"
              "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nstreamed 3"
              "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nstreamed 0"
              "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\ncollected abc");
    EXPECT_GT(most_parts, 1u) << "it was collected first";
}

TEST_F(HttpServerStreams, EachKindOfBodyHasItsBound) {
    EXPECT_TRUE(talk("PUT /other HTTP/1.1\r\nContent-Length: 11\r\n\r\n").starts_with("HTTP/1.1 413 "));
    EXPECT_TRUE(talk("PUT /other HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n").starts_with("HTTP/1.1 413 "));
    EXPECT_TRUE(talk("PUT /other HTTP/1.1\r\nContent-Length: 11\r\n\r\n" + std::string(11, 'x')).starts_with("HTTP/1.1 413 "));
    EXPECT_TRUE(talk("PUT /in HTTP/1.1\r\nContent-Length: 100001\r\n\r\n").starts_with("HTTP/1.1 413 "));
    const auto chunked = talk("PUT /in HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n");
    EXPECT_TRUE(chunked.contains("message_too_large") || chunked.starts_with("HTTP/1.1 413 ")) << chunked;
}

TEST_F(HttpServerStreams, AnAnswerBeforeTheBodysEndReachesTheClientAndEndsTheConnection) {
    enough = 1;
    const auto answer = talk("PUT /in HTTP/1.1\r\nContent-Length: 90000\r\n\r\n" + std::string(90'000, 'x'));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(answer.contains("Connection: close\r\n")) << answer;
}

TEST_F(HttpServerStreams, ABodyThatTheClientHoldsBackIsAskedFor) {
    EXPECT_EQ(talk("PUT /in HTTP/1.1\r\nContent-Length: 0\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"),
              "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nstreamed 0");
    settings.request_timeout = 50ms;
    const auto answer = talk("PUT /in HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\n")) << answer;
}

TEST_F(HttpServerStreams, ALengthThatIsKnownIsSentInsteadOfChunks) {
    handler = [](HttpRequest request) -> Awaitable<HttpResponse> {
        HttpResponse response;
        response.stream_bytes = 6;
        const bool shorter = request.target == "/short";
        if (request.method != "HEAD") {
            response.stream = [shorter](HttpBodyWriter& writer) -> Awaitable<Result<>> {
                SELVAGE_CO_CHECK(co_await writer.write("abc"));
                if (shorter) co_return Result<>{};
                co_return co_await writer.write("def");
            };
        }
        co_return response;
    };
    EXPECT_EQ(talk("GET / HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\n\r\nGET /short HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
              "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef"
              "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
              "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
}

}  // namespace
}  // namespace selvage::net::testing
