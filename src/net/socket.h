// A non-blocking socket of one loop. Private to net.
//
// Runs on: the loop it was made on. Waiting only says when it is worth to try; the bytes are moved
// with recv and send at once, so an idle connection owns no buffer.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>

#include <string>
#include <tuple>

#include "async/awaitable.h"
#include "base/result.h"

namespace selvage::net {

using async::Awaitable;

class Socket {
public:
    using Descriptor = boost::asio::posix::basic_stream_descriptor<async::Executor>;

    // Takes over `fd`, which is non-blocking and closed on exec. Errors: io_error (then `fd` is
    // closed).
    static Result<Socket> adopt(const async::Executor& loop, int fd);

    int fd() { return descriptor_.native_handle(); }
    bool is_open() const { return descriptor_.is_open(); }
    async::Executor executor() { return descriptor_.get_executor(); }

    // True: the caller was cancelled or the socket closed meanwhile. Without a coroutine of its own, for waits that
    // every idle connection is in.
    Awaitable<std::tuple<boost::system::error_code>> wait_readable();
    Awaitable<std::tuple<boost::system::error_code>> wait_writable();
    // Calls `ready` once, not inside this call; with an error if the socket was closed meanwhile.
    template <class Ready>
    void when_readable(Ready ready) {
        descriptor_.async_wait(Descriptor::wait_read, std::move(ready));
    }
    // Errors: cancelled, when the caller is cancelled or the socket is closed meanwhile.
    Awaitable<Result<>> readable();
    Awaitable<Result<>> writable();

    // Pending waits end with Errc::cancelled.
    void close();

private:
    explicit Socket(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}
    Descriptor descriptor_;
};

// No delay for small writes, and a bound on how long a silent peer is believed. For TCP sockets;
// failures do not matter.
void set_tcp_options(int fd);

// What recv or send said: connection_closed when the peer is gone, io_error otherwise.
Error socket_error(std::string_view what, std::string_view peer, int error_number);

// Who is at the other end.
struct PeerName {
    std::string text;  // "127.0.0.1:51044", "[::1]:51044", "unix pid 123"
    int pid = -1;
    int uid = -1;
};
PeerName peer_name(int fd);

// Bytes given by recv() at once many times in a row let nobody else run: after this many the reader
// yields its turn.
inline constexpr int kReadsPerTurn = 16;

// Lets the loop's other work run.
Awaitable<> yield_turn(async::Executor loop);

}  // namespace selvage::net
