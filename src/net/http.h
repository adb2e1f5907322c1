// HTTP/1.1 both ways over any Stream: a server loop and a client. Bodies are whole strings with a bound, or streams.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/time_source.h"
#include "net/dial.h"
#include "net/stream.h"

namespace selvage::net {

// Header names compare without case; order is kept.
struct HttpHeaders {
    std::vector<std::pair<std::string, std::string>> fields;
    // The first field of that name; empty when absent.
    std::string_view get(std::string_view name) const;
    bool has(std::string_view name) const;
    void set(std::string_view name, std::string_view value);    // replaces
    void add(std::string_view name, std::string_view value);
};

// A path cut at '/', each part percent-decoded once; and the query, decoded ('+' stays). "/devices/d%2F1/?top=3" is
// {"devices","d/1"} and {{"top","3"}}: a trailing slash adds no part.
struct HttpTarget {
    std::vector<std::string> path;
    std::vector<std::pair<std::string, std::string>> query;
    // The last value of a query name (compared exactly); null when absent.
    const std::string* get(std::string_view name) const;
};
Result<HttpTarget> parse_target(std::string_view target);

// Reads the body of a request as it comes.
class HttpBodyReader {
public:
    virtual ~HttpBodyReader() = default;
    // The next part, not empty; nothing at the body's end. Errors: connection_closed, message_too_large, malformed, timeout
    // (nothing came for the server's request_timeout). After an error only a response can follow.
    virtual Awaitable<Result<std::optional<std::string>>> read() = 0;
};

struct HttpRequest {
    std::string method = "GET";
    std::string target = "/";         // origin form, encoded
    HttpHeaders headers = {};
    std::string body = {};
    // Server side: who asks.
    Stream* peer = nullptr;
    // Server side, for what HttpServerSettings::streamed_bytes_max says so: the body, until the handler returns. What the
    // handler leaves unread ends the connection behind the response.
    HttpBodyReader* incoming = nullptr;
};

// Writes parts of a streamed body (chunked; each write is one chunk).
class HttpBodyWriter {
public:
    virtual ~HttpBodyWriter() = default;
    virtual Awaitable<Result<>> write(std::string_view part) = 0;
};

struct HttpResponse {
    int status = 200;
    std::string reason = {};          // empty: the usual words (some clients insist on words)
    HttpHeaders headers = {};
    std::string body = {};            // sent with Content-Length
    // Instead of `body`: called once the head is sent.
    std::function<Awaitable<Result<>>(HttpBodyWriter&)> stream = {};
    // How much `stream` is going to write, where that is known: sent as Content-Length, instead of chunks. Without a
    // `stream` it is what a HEAD request is told.
    std::optional<std::uint64_t> stream_bytes = {};
};

struct HttpServerSettings {
    std::size_t head_bytes_max = 64 * 1024;
    std::size_t body_bytes_max = 8 << 20;
    std::chrono::milliseconds idle_timeout{120'000};   // between requests
    std::chrono::milliseconds request_timeout{60'000}; // for a request to arrive whole
    std::chrono::milliseconds write_timeout{60'000};   // for a whole body, or one part of a stream, to be taken
    // Asked once a request's head is there: how many bytes its body may have when the handler reads it as it comes
    // (HttpRequest::incoming). Nothing: the body is collected first, as bounded above. Null: always collected.
    std::function<std::optional<std::uint64_t>(const HttpRequest& head)> streamed_bytes_max = {};
};

using HttpHandler = std::function<Awaitable<HttpResponse>(HttpRequest request)>;

// Given the connection once an Upgrade request for WebSocket arrives; it owns the stream from then on. Bytes of the new
// protocol that came with the request are in `request.body`. Null: upgrades are answered 400. Other upgrades are ignored, as
// RFC 9110 7.8 allows.
using HttpUpgrade = std::function<Awaitable<>(HttpRequest request, std::shared_ptr<Stream> stream)>;

// Serves requests, one after the other, until the peer leaves; then the stream is closed. Framing (Content-Length,
// Transfer-Encoding, Connection) is written here; a handler's fields of those names are left out. Malformed input is answered 400 (431 head, 413 body too large) and the connection
// closed. Keep-alive, Expect: 100-continue, chunked requests. An exception from the handler becomes 500.
Awaitable<> serve_http(std::shared_ptr<Stream> stream, async::TimeSource& time, HttpServerSettings settings,
                       HttpHandler handler, HttpUpgrade upgrade = nullptr);

struct HttpClientSettings {
    std::chrono::milliseconds connect_timeout{10'000};
    std::chrono::milliseconds response_timeout{60'000};  // to the end of the head, and for a whole body
    std::size_t body_bytes_max = 32 << 20;
};

using HttpPart = std::function<Awaitable<bool>(std::string_view part)>;
using HttpHead = std::function<bool(const HttpResponse& head)>;

// Requests to one target. Each call dials anew unless an idle connection is kept (at most one). When a kept connection
// turns out to be dead before any byte of the answer, the request is sent once more on a new one.
//
// Runs on: one loop; calls may overlap. Outlives its calls, and is outlived by the dialer.
class HttpClient {
public:
    HttpClient(Dialer& dialer, async::TimeSource& time, Target target, HttpClientSettings settings = {});
    ~HttpClient();

    // Sets Host (unless given; "localhost" for Unix sockets) and Content-Length. Any status is a result; errors are about the transport: unavailable,
    // unauthorized (TLS), timeout, malformed, quota_exceeded (body too large).
    Awaitable<Result<HttpResponse>> send(HttpRequest request);

    // The same, but the body goes part by part to `on_part` (in chunks as they came when the peer chunks); false from it
    // ends the transfer. The returned response has no body. No time limit on the body. `on_head`, when given, sees status and
    // fields before the first part; false from it ends the transfer too.
    Awaitable<Result<HttpResponse>> stream(HttpRequest request, HttpPart on_part, HttpHead on_head = nullptr);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace selvage::net
