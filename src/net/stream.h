// A connected byte stream: TCP, TLS, Unix socket, WebSocket payload, or a pair in memory for tests and simulation.
//
// Runs on: one loop, one reader and one writer at a time. The stream outlives its calls: whoever destroys it has close()d it
// and joined its reader and writer. After an error, a cancelled operation or close() the stream is
// dead: destroy it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/awaitable.h"
#include "async/time_source.h"
#include "base/result.h"

namespace selvage::net {

using async::Awaitable;

class Stream {
public:
    virtual ~Stream() = default;

    // Waits for bytes and reads up to into.size() of them; 0 means that the peer has ended its side. `into` is written in
    // the same turn in which the call returns and not before: connections of a loop may share one buffer, so that an idle
    // connection owns none. Errors: connection_closed, cancelled, io_error.
    virtual Awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) = 0;

    // Writes all, and what try_write() left. `bytes` must live until the call returns. Over TLS this is one record per 16 KiB.
    virtual Awaitable<Result<>> write(std::string_view bytes) = 0;

    // Writes what can be written without waiting and cuts it off `bytes`. True: all of it is out. False: call write() with
    // what is left, maybe nothing, to wait for the rest. Not while a write is pending. Failures show at the next call.
    virtual bool try_write(std::string_view& /*bytes*/) { return false; }

    // Writes all of `bytes` if that can be done without waiting and no write is pending; false: it could not, and the peer
    // may have got a part. Only for last words before end_writing() or close(), which cannot wait.
    virtual bool write_at_once(std::string_view /*bytes*/) { return false; }

    // Ends our side: the peer reads 0 behind what was written; reading goes on. Not while a write is pending.
    virtual void end_writing() = 0;

    // Tells the peer if that can be done at once (TLS close_notify), then drops the connection. Pending calls end.
    virtual void close() = 0;

    // "127.0.0.1:51044", "unix pid 123"; for logs.
    virtual std::string peer() const = 0;

    // The certificates that the peer presented, PEM, leaf first. Empty without TLS or when it showed none.
    virtual std::vector<std::string> peer_certificates() const { return {}; }

    // For Unix sockets: the peer's process and user (SO_PEERCRED). -1 otherwise.
    virtual int peer_pid() const { return -1; }
    virtual int peer_uid() const { return -1; }
};

// One for all connections of a thread, for read_some(): valid until the coroutine that read into it waits again.
std::span<std::byte> read_buffer();

// Closes a stream at a time, unless it is destroyed before that: a deadline for reads that costs an idle connection no
// coroutine. The reader then gets an error. Runs on: the stream's loop.
class ClosingTime {
public:
    ClosingTime(Stream& stream, async::TimeSource& time, async::Executor loop, TimePoint when);
    bool has_come() const { return come_; }
    ClosingTime(const ClosingTime&) = delete;
    ClosingTime& operator=(const ClosingTime&) = delete;

private:
    bool come_ = false;
    std::unique_ptr<async::Timer> timer_;
};

// Two ends joined in memory; each end takes up to `buffer_bytes` that the other has not read yet.
std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_stream_pair(async::Executor loop,
                                                                             std::size_t buffer_bytes = 65536);

}  // namespace selvage::net
