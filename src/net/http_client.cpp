// One exchange at a time per connection; a connection that ended cleanly is kept for the next one.
// The body goes through a sink, so that whole bodies and streams share one path.
#include <fmt/format.h>

#include <limits>

#include "async/deadline.h"
#include "base/encoding.h"
#include "net/http.h"
#include "net/http_wire.h"
#include "net/resolver.h"

namespace selvage::net {
namespace {

using codec::http1::Parser;

constexpr std::size_t kReadBytes = 16 * 1024;
// Servers drop idle connections without a word; an old one is not worth the risk.
constexpr std::chrono::seconds kIdleMax{30};
constexpr std::size_t kHeadBytesMax = 64 * 1024;

std::string host_field(const Target& target) {
    if (!target.unix_path.empty()) return "localhost";
    const std::uint16_t usual = target.tls ? 443 : 80;
    if (target.port != usual) return host_and_port(target.host, target.port);
    return target.host.contains(':') ? fmt::format("[{}]", target.host) : target.host;
}

// One request and its answer on one connection.
class Exchange {
public:
    Exchange(Stream& stream, std::uint64_t body_bytes_max, bool no_body)
        : stream_(stream),
          parser_(Parser::Role::responses,
                  {.head_bytes_max = kHeadBytesMax, .body_bytes_max = body_bytes_max}),
          buffer_(kReadBytes) {
        if (no_body) parser_.expect_no_body();
    }

    // Writes the request and reads up to the end of the answer's head.
    Awaitable<Result<>> begin(std::string_view request);
    // Reads the body to its end, or until `on_part` has enough.
    Awaitable<Result<>> finish(std::function<Awaitable<bool>(std::string_view)>& on_part);
    Awaitable<Result<>> read_whole(std::string& body);

    const codec::http1::Head& head() const { return *parser_.head(); }
    // No byte of an answer came: the server may not have seen the request.
    bool unanswered() const { return unanswered_; }
    // The connection can take another request.
    bool reusable() {
        return parser_.complete() && head().keep_alive && !head().upgrade &&
               parser_.take_rest().empty();
    }

private:
    Awaitable<Result<>> read();

    Stream& stream_;
    Parser parser_;
    std::vector<std::byte> buffer_;
    bool unanswered_ = true;
};

Awaitable<Result<>> Exchange::read() {
    const auto count = co_await stream_.read_some(buffer_);
    if (!count) co_return fail(count.error());
    if (*count > 0) {
        unanswered_ = false;
        co_return parser_.feed(as_text(std::span(buffer_).first(*count)));
    }
    if (unanswered_)
        co_return fail(Errc::connection_closed,
                       "the server closed the connection without an answer");
    const auto ended = parser_.finish();
    if (!ended) co_return ended;
    if (!parser_.complete())
        co_return fail(Errc::connection_closed,
                       "the server closed the connection without an answer");
    co_return Result<>{};
}

Awaitable<Result<>> Exchange::begin(std::string_view request) {
    // A server that refuses early answers while we write and then closes: its answer counts, not
    // the failed write.
    const auto written = co_await stream_.write(request);
    if (!written && written.error().code != Errc::connection_closed) co_return written;
    for (;;) {
        while (parser_.head() == nullptr) {
            const auto got = co_await read();
            if (!got) co_return got;
        }
        const int status = head().status;
        if (status >= 200 || status == 101) co_return Result<>{};
        const auto next = parser_.next();
        if (!next) co_return next;
    }
}

Awaitable<Result<>> Exchange::finish(std::function<Awaitable<bool>(std::string_view)>& on_part) {
    for (;;) {
        const auto part = parser_.take_body();
        if (!part.empty()) {
            const bool more = co_await on_part(part);
            if (!more) co_return Result<>{};
        }
        if (parser_.complete()) co_return Result<>{};
        const auto got = co_await read();
        if (!got) co_return got;
    }
}

Awaitable<Result<>> Exchange::read_whole(std::string& body) {
    body = parser_.take_body();
    while (!parser_.complete()) {
        const auto got = co_await read();
        if (!got) co_return got;
        body += parser_.take_body();
    }
    co_return Result<>{};
}

// The client's words: what the caller can act on.
Error told(Error error, const HttpRequest& request) {
    // The query may carry what is not for logs.
    const auto subject =
        fmt::format("{} {}", request.method, request.target.substr(0, request.target.find('?')));
    if (error.code == Errc::connection_closed || error.code == Errc::io_error)
        error.code = Errc::unavailable;
    if (error.code == Errc::message_too_large) error.code = Errc::quota_exceeded;
    if (error.code == Errc::timeout) error.detail = "the server did not answer in time";
    return error.in(subject);
}

}  // namespace

struct HttpClient::Impl {
    Dialer& dialer;
    async::TimeSource& time;
    Target target;
    HttpClientSettings settings;
    std::string host;
    std::unique_ptr<Stream> idle;
    TimePoint idle_since{};

    // An answer whose body is still to be read.
    struct Begun {
        std::unique_ptr<Stream> stream;
        std::unique_ptr<Exchange> exchange;
    };

    std::unique_ptr<Stream> take_idle() {
        auto stream = std::move(idle);
        if (stream && time.now() - idle_since > kIdleMax) stream.reset();
        return stream;
    }

    void give_back(Begun begun) {
        if (!begun.exchange->reusable()) return;
        begun.exchange.reset();
        idle = std::move(begun.stream);
        idle_since = time.now();
    }

    // Sends `bytes` and waits for the head of the answer.
    Awaitable<Result<Begun>> begin(std::string bytes, std::uint64_t body_bytes_max, bool no_body) {
        for (bool retried = false;; retried = true) {
            Begun begun{.stream = retried ? nullptr : take_idle(), .exchange = nullptr};
            const bool kept = begun.stream != nullptr;
            if (!kept) {
                SELVAGE_CO_TRY(begun.stream,
                               co_await dialer.dial(target, settings.connect_timeout));
            }
            begun.exchange = std::make_unique<Exchange>(*begun.stream, body_bytes_max, no_body);
            auto head = begun.exchange->begin(bytes);
            const auto answered =
                co_await async::with_deadline(time, settings.response_timeout, std::move(head));
            if (answered) co_return begun;
            const bool died_idle = kept && begun.exchange->unanswered() &&
                                   answered.error().code == Errc::connection_closed;
            if (!died_idle) co_return fail(answered.error());
        }
    }
};

HttpClient::HttpClient(Dialer& dialer, async::TimeSource& time, Target target,
                       HttpClientSettings settings)
    : impl_(new Impl{.dialer = dialer,
                     .time = time,
                     .target = target,
                     .settings = settings,
                     .host = host_field(target),
                     .idle = nullptr}) {}
HttpClient::~HttpClient() = default;

Awaitable<Result<HttpResponse>> HttpClient::send(HttpRequest request) {
    SELVAGE_CO_TRY(auto bytes, request_bytes(request, impl_->host));
    auto begun = co_await impl_->begin(std::move(bytes), impl_->settings.body_bytes_max,
                                       request.method == "HEAD");
    if (!begun) co_return fail(told(std::move(begun).error(), request));
    auto response = to_response(begun->exchange->head());
    auto reading = begun->exchange->read_whole(response.body);
    const auto whole = co_await async::with_deadline(impl_->time, impl_->settings.response_timeout,
                                                     std::move(reading));
    if (!whole) co_return fail(told(whole.error(), request));
    impl_->give_back(*std::move(begun));
    co_return response;
}

Awaitable<Result<HttpResponse>> HttpClient::stream(HttpRequest request, HttpPart on_part,
                                                   HttpHead on_head) {
    SELVAGE_CO_TRY(auto bytes, request_bytes(request, impl_->host));
    constexpr auto kNoBound = std::numeric_limits<std::uint64_t>::max();
    auto begun = co_await impl_->begin(std::move(bytes), kNoBound, request.method == "HEAD");
    if (!begun) co_return fail(told(std::move(begun).error(), request));
    auto response = to_response(begun->exchange->head());
    if (on_head && !on_head(response)) co_return response;
    const auto whole = co_await begun->exchange->finish(on_part);
    if (!whole) co_return fail(told(whole.error(), request));
    impl_->give_back(*std::move(begun));
    co_return response;
}

}  // namespace selvage::net
