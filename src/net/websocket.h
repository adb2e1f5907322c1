// WebSocket as a Stream: the payload of data frames, one after the other, over any other stream.
//
// The stream made here keeps the rules of Stream: it decodes in the buffer of its reader, so that an idle connection owns
// none. One write is one binary frame. Pings are answered, none are sent (some SDKs break on them). A close frame of the
// peer is answered and reads as the end of its side; our end_writing() and close() send one if no write is pending. Frames
// that break the protocol end it with Errc::malformed after a close frame that says 1002.
//
// Wire: RFC 6455; docs/wire/websocket.md.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "async/time_source.h"
#include "base/random.h"
#include "net/http.h"
#include "net/stream.h"

namespace selvage::net {

struct AcceptedWebSocket {
    std::shared_ptr<Stream> stream;
    std::string protocol;             // out of those known, as spelled there
};

// The server's side of the opening handshake: `request` and `stream` as HttpUpgrade gets them. Takes the first of the
// sub-protocols that the client offers and `known` has; names compare without case, and the client gets back its own
// spelling. Errors: malformed (the request is answered 400, or 426 for another version of WebSocket); timeout, and those of
// the stream. After an error the stream is closed.
Awaitable<Result<AcceptedWebSocket>> accept_websocket(HttpRequest request, std::shared_ptr<Stream> stream,
                                                      async::TimeSource& time, std::vector<std::string> known);

// Answers an upgrade request with an ordinary response instead, and closes the stream.
Awaitable<> refuse_websocket(std::shared_ptr<Stream> stream, async::TimeSource& time, HttpResponse response);

struct WebSocketRequest {
    std::string host;                 // for the Host field
    std::string target;               // "/$iothub/websocket?…"
    std::string protocol;
    std::string authorization = {};   // for proxies that ask; empty: none
};

// The client's side, over a connected stream. `random` outlives the stream made. Errors: unavailable (the server answered
// with something else: says what), malformed, timeout, and those of the stream.
Awaitable<Result<std::unique_ptr<Stream>>> connect_websocket(std::unique_ptr<Stream> stream, async::TimeSource& time,
                                                             Random& random, WebSocketRequest request,
                                                             std::chrono::milliseconds timeout);

}  // namespace selvage::net
