// The opening handshake, both sides of it: one HTTP request and its answer (RFC 6455 section 4).
#include "net/websocket.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <boost/asio/this_coro.hpp>

#include <array>

#include "async/deadline.h"
#include "base/encoding.h"
#include "codec/http1/http1.h"
#include "net/http_wire.h"
#include "net/websocket_stream.h"

namespace selvage::net {
namespace {

constexpr std::string_view kVersion = "13";                                     // RFC 6455 section 4.1
constexpr std::string_view kKeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 section 1.3
constexpr std::size_t kKeyBytes = 16;
constexpr std::chrono::seconds kAnswerTimeout{30};
// After a refusal, as in the HTTP server: closing with unread bytes would take the answer along.
constexpr std::chrono::seconds kLinger{2};
constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kAnswerBytesMax = 16 * 1024;

std::string accept_of(std::string_view key) {
    const std::string text = std::string(key) + std::string(kKeySuffix);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    SELVAGE_ASSERT(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) == 1);
    return to_base64({reinterpret_cast<const char*>(digest.data()), size});
}

struct Choice {
    std::string known;
    std::string as_offered;
};

// Offers may stand in one field or in several.
std::optional<Choice> choose(const HttpHeaders& headers, const std::vector<std::string>& known) {
    for (const auto& [name, value] : headers.fields) {
        if (!equals_ignoring_case(name, "Sec-WebSocket-Protocol")) continue;
        for (std::string_view rest = value; !rest.empty();) {
            const auto comma = rest.find(',');
            const auto offered = trim(rest.substr(0, comma));
            rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
            for (const auto& protocol : known)
                if (equals_ignoring_case(offered, protocol)) return Choice{protocol, std::string(offered)};
        }
    }
    return std::nullopt;
}

HttpResponse refusal(int status, std::string_view why) {
    HttpResponse response;
    response.status = status;
    response.headers.set("Content-Type", "text/plain");
    if (status == 426) response.headers.set("Sec-WebSocket-Version", kVersion);
    response.body = fmt::format("{}\n", why);
    return response;
}

struct Agreement {
    Choice protocol;
    HttpResponse answer;
};

// Errors: the answer that refuses.
std::expected<Agreement, HttpResponse> agree(const HttpRequest& request, const std::vector<std::string>& known) {
    const auto& headers = request.headers;
    if (request.method != "GET") return std::unexpected(refusal(400, "WebSocket begins with a GET"));
    if (headers.get("Sec-WebSocket-Version") != kVersion)
        return std::unexpected(refusal(426, "only version 13 of WebSocket is spoken here"));
    const auto key = trim(headers.get("Sec-WebSocket-Key"));
    const auto key_bytes = from_base64(key);
    if (!key_bytes || key_bytes->size() != kKeyBytes)
        return std::unexpected(refusal(400, "Sec-WebSocket-Key is not 16 bytes in base64"));
    auto protocol = choose(headers, known);
    if (!protocol) {
        return std::unexpected(refusal(
            400, fmt::format("no sub-protocol offered is known here; known: {}", fmt::join(known, ", "))));
    }
    HttpResponse answer;
    answer.status = 101;
    answer.headers.set("Upgrade", "websocket");
    answer.headers.set("Sec-WebSocket-Accept", accept_of(key));
    answer.headers.set("Sec-WebSocket-Protocol", protocol->as_offered);
    return Agreement{*std::move(protocol), std::move(answer)};
}

Awaitable<Result<>> read_to_end(std::shared_ptr<Stream> stream) {
    std::array<std::byte, kReadBytes> buffer;
    for (std::size_t total = 0; total < kAnswerBytesMax;) {
        const auto count = co_await stream->read_some(buffer);
        if (!count || *count == 0) break;
        total += *count;
    }
    co_return Result<>{};
}

// Errors: what the server's answer is instead of an agreement.
Result<> check_answer(const HttpResponse& answer, std::string_view key, std::string_view protocol) {
    if (answer.status != 101)
        return fail(Errc::unavailable, fmt::format("the server answered {} instead of going over to WebSocket", answer.status));
    if (!equals_ignoring_case(answer.headers.get("Upgrade"), "websocket") ||
        answer.headers.get("Sec-WebSocket-Accept") != accept_of(key))
        return fail(Errc::malformed, "the server's answer is none of WebSocket");
    if (!equals_ignoring_case(answer.headers.get("Sec-WebSocket-Protocol"), protocol))
        return fail(Errc::malformed, "the server chose a sub-protocol that was not offered");
    return {};
}

// The head of the answer; what follows it is left in `rest`.
Awaitable<Result<HttpResponse>> read_answer(Stream& stream, std::string& rest) {
    codec::http1::Parser parser(codec::http1::Parser::Role::responses,
                                {.head_bytes_max = kAnswerBytesMax, .body_bytes_max = kAnswerBytesMax});
    std::array<std::byte, kReadBytes> buffer;
    while (parser.head() == nullptr) {
        SELVAGE_CO_TRY(const auto count, co_await stream.read_some(buffer));
        if (count == 0) co_return fail(Errc::connection_closed, "the server closed the connection during the handshake");
        SELVAGE_CO_CHECK(parser.feed(as_text(std::span(buffer).first(count))));
    }
    rest = parser.take_rest();
    co_return to_response(*parser.head());
}

Awaitable<Result<std::string>> shake_hands(std::shared_ptr<Stream> stream, WebSocketRequest request, std::string key) {
    HttpRequest http;
    http.target = std::move(request.target);
    http.headers.set("Upgrade", "websocket");
    http.headers.set("Connection", "Upgrade");
    http.headers.set("Sec-WebSocket-Version", kVersion);
    http.headers.set("Sec-WebSocket-Key", key);
    http.headers.set("Sec-WebSocket-Protocol", request.protocol);
    if (!request.authorization.empty()) http.headers.set("Authorization", request.authorization);
    SELVAGE_CO_TRY(const auto bytes, request_bytes(http, request.host));
    SELVAGE_CO_CHECK(co_await stream->write(bytes));
    std::string rest;
    SELVAGE_CO_TRY(const auto answer, co_await read_answer(*stream, rest));
    SELVAGE_CO_CHECK(check_answer(answer, key, request.protocol));
    co_return rest;
}

}  // namespace

Awaitable<> refuse_websocket(std::shared_ptr<Stream> stream, async::TimeSource& time, HttpResponse response) {
    const auto bytes = response_head(response, BodyFraming::length, "close") + response.body;
    const auto written = co_await async::with_deadline(time, kAnswerTimeout, stream->write(bytes));
    if (written) {
        stream->end_writing();
        ignore(co_await async::with_deadline(time, kLinger, read_to_end(stream)), "the connection ends either way");
    }
    stream->close();
}

Awaitable<Result<AcceptedWebSocket>> accept_websocket(HttpRequest request, std::shared_ptr<Stream> stream,
                                                      async::TimeSource& time, std::vector<std::string> known) {
    auto agreed = agree(request, known);
    if (!agreed) {
        Error why{Errc::malformed, std::string(trim(agreed.error().body))};
        co_await refuse_websocket(std::move(stream), time, std::move(agreed).error());
        co_return fail(std::move(why));
    }
    const auto head = response_head(agreed->answer, BodyFraming::none, "Upgrade");
    const auto written = co_await async::with_deadline(time, kAnswerTimeout, stream->write(head));
    if (!written) {
        stream->close();
        co_return fail(written.error());
    }
    const auto loop = co_await boost::asio::this_coro::executor;
    co_return AcceptedWebSocket{make_websocket_server(loop, std::move(stream), std::move(request.body)),
                                std::move(agreed->protocol.known)};
}

Awaitable<Result<std::unique_ptr<Stream>>> connect_websocket(std::unique_ptr<Stream> stream, async::TimeSource& time,
                                                             Random& random, WebSocketRequest request,
                                                             std::chrono::milliseconds timeout) {
    const std::shared_ptr<Stream> shared = std::move(stream);
    std::array<std::byte, kKeyBytes> key{};
    random.fill(key);
    auto early = co_await async::with_deadline(time, timeout,
                                               shake_hands(shared, std::move(request), to_base64(as_text(key))));
    if (!early) {
        shared->close();
        co_return fail(early.error());
    }
    const auto loop = co_await boost::asio::this_coro::executor;
    co_return make_websocket_client(loop, shared, *std::move(early), random);
}

}  // namespace selvage::net
