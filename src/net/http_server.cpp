// One connection: read a request whole, ask the handler, write the answer, again. The next
// request's bytes wait in the parser meanwhile (pipelining), and in the socket behind it: nothing
// is read while the handler works.
#include <fmt/format.h>

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <limits>
#include <optional>

#include "async/deadline.h"
#include "base/encoding.h"
#include "base/log.h"
#include "net/http.h"
#include "net/http_wire.h"

namespace selvage::net {
namespace {

using codec::http1::Parser;

// Of the thread's buffer: one connection is not to keep the loop for long.
constexpr std::size_t kReadBytes = 8 * 1024;
// A body up to this is sent in one write with its head.
constexpr std::size_t kJoinedBytesMax = 64 * 1024;
// After a refusal: closing with unread bytes would reset the connection and take the answer with
// it, so some are read.
constexpr std::size_t kLingerBytesMax = 1024 * 1024;
constexpr std::chrono::milliseconds kLinger{2'000};
// The same behind an answer that came before the end of a body that is read as it comes: clients upload in parts of some
// megabytes, and those that write a part to its end before they read find the answer then.
constexpr std::size_t kUnreadBytesMax = 16 * 1024 * 1024;

class ChunkWriter final : public HttpBodyWriter {
public:
    ChunkWriter(Stream& stream, async::TimeSource& time, std::chrono::milliseconds timeout,
                bool chunked)
        : stream_(stream), time_(time), timeout_(timeout), chunked_(chunked) {}

    Awaitable<Result<>> write(std::string_view part) override {
        // An empty chunk would be the last one.
        if (part.empty()) co_return Result<>{};
        if (broken_) co_return fail(Errc::connection_closed, "the client has left");
        const std::string bytes = chunked_ ? chunk(part) : std::string(part);
        auto writing = stream_.write(bytes);
        auto written = co_await async::with_deadline(time_, timeout_, std::move(writing));
        broken_ = !written;
        written_ += part.size();
        co_return written;
    }
    bool broken() const { return broken_; }
    std::uint64_t written() const { return written_; }

private:
    Stream& stream_;
    async::TimeSource& time_;
    std::chrono::milliseconds timeout_;
    bool chunked_;
    bool broken_ = false;
    std::uint64_t written_ = 0;
};

bool asks_for_websocket(const codec::http1::Head& head, const HttpRequest& request) {
    return head.upgrade && equals_ignoring_case(request.headers.get("Upgrade"), "websocket");
}

int status_of_refusal(const Error& error) {
    switch (error.code) {
        case Errc::quota_exceeded:
            return 431;
        case Errc::message_too_large:
            return 413;
        case Errc::timeout:
            return 408;
        default:
            return 400;
    }
}

HttpResponse plain_answer(int status, std::string_view text) {
    HttpResponse response;
    response.status = status;
    response.headers.set("Content-Type", "text/plain");
    response.body = fmt::format("{}\n", text);
    return response;
}

class HttpConnection : private HttpBodyReader {
public:
    HttpConnection(std::shared_ptr<Stream> stream, async::TimeSource& time,
                   HttpServerSettings settings, HttpHandler handler, bool upgrades)
        : stream_(std::move(stream)),
          time_(time),
          settings_(std::move(settings)),
          handler_(std::move(handler)),
          upgrades_(upgrades),
          // With bodies that are not collected, each request is bounded once its head is there.
          parser_(Parser::Role::requests,
                  {.head_bytes_max = settings_.head_bytes_max,
                   .body_bytes_max = settings_.streamed_bytes_max ? std::numeric_limits<std::uint64_t>::max()
                                                                 : settings_.body_bytes_max}) {}

    // Returns the upgrade request when that ends it: the stream is open then, otherwise closed.
    Awaitable<std::optional<HttpRequest>> run();

private:
    // One read into the parser. False at the peer's end. Errors: those of the stream and the
    // parser.
    Awaitable<Result<bool>> receive();
    // Reads until the request is whole. False when the peer left before its first byte.
    Awaitable<Result<bool>> read_request();
    Awaitable<Result<>> read_rest();
    // Says once that a body which the client holds back may come.
    Awaitable<Result<>> let_body_come();
    // Once the head is there: bounds the body, and decides whether it is collected.
    Result<> choose_body();
    // The next part of a body that is not collected.
    Awaitable<Result<std::optional<std::string>>> read() override;
    // Answers one request. False when the connection ends with it.
    Awaitable<bool> answer();
    Awaitable<HttpResponse> ask(HttpRequest request);
    Awaitable<bool> respond(HttpResponse response, bool head_only, bool old_client,
                            bool keep_alive);
    Awaitable<bool> respond_stream(HttpResponse response, std::string head, bool chunked);
    Awaitable<bool> send(std::string_view bytes);
    Awaitable<> refuse(Error error);
    Awaitable<Result<>> swallow(std::size_t bytes_max);
    // What a client is still sending is read for a while, for the sake of the answer that it has not read yet.
    Awaitable<> linger(std::size_t bytes_max);

    std::shared_ptr<Stream> stream_;
    async::TimeSource& time_;
    HttpServerSettings settings_;
    HttpHandler handler_;
    bool upgrades_;
    std::optional<HttpRequest> upgrade_;  // has come
    Parser parser_;
    bool begun_ = false;  // bytes of the request being read have come
    bool chosen_ = false;     // choose_body() has been asked about this request
    bool streamed_ = false;   // and its body is not collected
    bool continued_ = false;  // 100 Continue is said
};

Awaitable<Result<bool>> HttpConnection::receive() {
    const auto buffer = read_buffer().first(kReadBytes);
    const auto count = co_await stream_->read_some(buffer);
    if (!count) co_return fail(count.error());
    begun_ |= *count > 0;
    const auto bytes = as_text(buffer.first(*count));
    const auto parsed = *count > 0 ? parser_.feed(bytes) : parser_.finish();
    if (!parsed) co_return fail(parsed.error());
    co_return *count > 0;
}

Result<> HttpConnection::choose_body() {
    if (chosen_ || !parser_.head()) return {};
    chosen_ = true;
    if (!settings_.streamed_bytes_max) return {};
    const auto streamed = settings_.streamed_bytes_max(to_request(*parser_.head(), stream_.get()));
    streamed_ = streamed.has_value();
    return parser_.limit_body(streamed.value_or(settings_.body_bytes_max));
}

Awaitable<Result<>> HttpConnection::let_body_come() {
    if (continued_ || !parser_.head() || !parser_.head()->expect_continue) co_return Result<>{};
    continued_ = true;
    co_return co_await stream_->write("HTTP/1.1 100 Continue\r\n\r\n");
}

Awaitable<Result<>> HttpConnection::read_rest() {
    for (;;) {
        const auto bounded = choose_body();
        if (!bounded) co_return bounded;
        if (streamed_ || parser_.complete()) co_return Result<>{};
        const auto told = co_await let_body_come();
        if (!told) co_return told;
        const auto more = co_await receive();
        if (!more) co_return fail(more.error());
        if (!*more) co_return fail(Errc::connection_closed, "the client left");
    }
}

Awaitable<Result<std::optional<std::string>>> HttpConnection::read() {
    for (;;) {
        auto part = parser_.take_body();
        if (!part.empty()) co_return part;
        if (parser_.complete()) co_return std::nullopt;
        const auto told = co_await let_body_come();
        if (!told) co_return fail(told.error());
        auto receiving = receive();
        const auto more = co_await async::with_deadline(time_, settings_.request_timeout, std::move(receiving));
        if (!more) co_return fail(more.error());
        if (!*more) co_return fail(Errc::connection_closed, "the client left");
    }
}

Awaitable<Result<bool>> HttpConnection::read_request() {
    if (!begun_) {
        const ClosingTime closing(*stream_, time_, co_await boost::asio::this_coro::executor,
                                  time_.now() + settings_.idle_timeout);
        const auto more = co_await receive();
        if (!more || !*more) co_return more;
    }
    auto rest = read_rest();
    const auto whole =
        co_await async::with_deadline(time_, settings_.request_timeout, std::move(rest));
    if (!whole) co_return fail(whole.error());
    co_return true;
}

Awaitable<HttpResponse> HttpConnection::ask(HttpRequest request) {
    const auto what =
        fmt::format("{} {}", request.method, request.target.substr(0, request.target.find('?')));
    try {
        auto response = co_await handler_(std::move(request));
        if (const auto ok = check_fields(response.headers); ok) co_return response;
        log::error("http.server", "a handler's header field cannot be sent request={}", what);
    } catch (const boost::system::system_error& e) {
        // The owner stops this connection: not the handler's failure.
        if (e.code() == boost::asio::error::operation_aborted) throw;
        log::error("http.server", "handler failed request={}: {}", what, e.what());
    } catch (const std::exception& e) {
        log::error("http.server", "handler failed request={}: {}", what, e.what());
    }
    co_return plain_answer(500, "internal error");
}

Awaitable<bool> HttpConnection::send(std::string_view bytes) {
    auto writing = stream_->write(bytes);
    const auto written =
        co_await async::with_deadline(time_, settings_.write_timeout, std::move(writing));
    co_return written.has_value();
}

Awaitable<bool> HttpConnection::respond_stream(HttpResponse response, std::string head,
                                               bool chunked) {
    const auto announced = response.stream_bytes;
    const bool begun = co_await send(head);
    if (!begun) co_return false;
    ChunkWriter writer(*stream_, time_, settings_.write_timeout, chunked);
    const auto done = co_await response.stream(writer);
    if (!done && !writer.broken())
        log::debug("http.server", "stream ended early peer={}: {}", stream_->peer(),
                   done.error().detail);
    // Without the last chunk, or with fewer bytes than were announced, the client knows that the body is cut short.
    if (!done || writer.broken()) co_return false;
    if (chunked) co_return co_await send(kLastChunk);
    co_return announced == writer.written();
}

Awaitable<bool> HttpConnection::respond(HttpResponse response, bool head_only, bool old_client,
                                        bool keep_alive) {
    const bool streamed = static_cast<bool>(response.stream);
    const bool bodiless = response.status < 200 || response.status == 204 || response.status == 304;
    auto framing = BodyFraming::length;
    if (bodiless)
        framing = BodyFraming::none;
    else if (streamed && !response.stream_bytes)
        framing = old_client ? BodyFraming::until_close : BodyFraming::chunked;
    if (framing == BodyFraming::until_close) keep_alive = false;
    const std::string_view connection = !keep_alive ? "close" : old_client ? "keep-alive" : "";
    auto head = response_head(response, framing, connection);

    bool sent = false;
    if (streamed && !bodiless && !head_only) {
        const bool chunked = framing == BodyFraming::chunked;
        sent = co_await respond_stream(std::move(response), std::move(head), chunked);
    } else if (bodiless || head_only) {
        sent = co_await send(head);
    } else if (response.body.size() <= kJoinedBytesMax) {
        head += response.body;
        sent = co_await send(head);
    } else {
        sent = co_await send(head);
        if (sent) sent = co_await send(response.body);
    }
    co_return sent&& keep_alive;
}

Awaitable<bool> HttpConnection::answer() {
    const auto& head = *parser_.head();
    const bool streamed = streamed_;
    const bool head_only = head.method == "HEAD";
    const bool old_client = head.minor_version == 0;
    const bool keep_alive = head.keep_alive;
    auto request = to_request(head, stream_.get());
    if (streamed) request.incoming = this;
    else request.body = parser_.take_body();
    if (asks_for_websocket(head, request)) {
        if (!upgrades_) {
            co_await refuse({Errc::malformed, "WebSocket is not served here"});
            co_return false;
        }
        request.body = parser_.take_rest();
        upgrade_ = std::move(request);
        co_return false;
    }
    auto response = co_await ask(std::move(request));
    const bool whole = parser_.complete();
    const bool stays = co_await respond(std::move(response), head_only, old_client, keep_alive && whole);
    if (whole) co_return stays;
    stream_->end_writing();
    co_await linger(kUnreadBytesMax);
    co_return false;
}

Awaitable<Result<>> HttpConnection::swallow(std::size_t bytes_max) {
    for (std::size_t total = 0; total < bytes_max;) {
        const auto count = co_await stream_->read_some(read_buffer());
        if (!count || *count == 0) break;
        total += *count;
    }
    co_return Result<>{};
}

Awaitable<> HttpConnection::linger(std::size_t bytes_max) {
    auto rest = swallow(bytes_max);
    ignore(co_await async::with_deadline(time_, kLinger, std::move(rest)),
           "the connection ends either way");
}

Awaitable<> HttpConnection::refuse(Error error) {
    auto response = plain_answer(status_of_refusal(error), error.detail);
    const auto bytes = response_head(response, BodyFraming::length, "close") + response.body;
    const bool sent = co_await send(bytes);
    if (!sent) co_return;
    stream_->end_writing();
    co_await linger(kLingerBytesMax);
}

Awaitable<std::optional<HttpRequest>> HttpConnection::run() {
    for (;;) {
        const auto whole = co_await read_request();
        if (!whole) {
            const auto code = whole.error().code;
            const bool gone = code == Errc::connection_closed || code == Errc::cancelled ||
                              code == Errc::io_error;
            // A client that was merely idle is not told anything: an answer could be taken for that
            // of its next request.
            if (!gone && begun_) co_await refuse(whole.error());
            break;
        }
        if (!*whole) break;
        const bool stays = co_await answer();
        if (!stays) break;
        const auto next = parser_.next();
        if (!next) {
            co_await refuse(next.error());
            break;
        }
        begun_ = parser_.complete() || parser_.begun();
        chosen_ = streamed_ = continued_ = false;
    }
    if (!upgrade_) stream_->close();
    co_return std::move(upgrade_);
}

Awaitable<std::optional<HttpRequest>> serve_requests(std::shared_ptr<Stream> stream,
                                                     async::TimeSource& time,
                                                     HttpServerSettings settings,
                                                     HttpHandler handler, bool upgrades) {
    HttpConnection connection(std::move(stream), time, settings, std::move(handler), upgrades);
    co_return co_await connection.run();
}

}  // namespace

Awaitable<> serve_http(std::shared_ptr<Stream> stream, async::TimeSource& time,
                       HttpServerSettings settings, HttpHandler handler, HttpUpgrade upgrade) {
    // What the requests needed is gone before the other protocol begins, which may go on for days.
    auto upgrading = co_await serve_requests(stream, time, settings, std::move(handler),
                                             static_cast<bool>(upgrade));
    if (upgrading) co_await upgrade(*std::move(upgrading), std::move(stream));
}

}  // namespace selvage::net
