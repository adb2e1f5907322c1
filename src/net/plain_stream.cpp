#include "net/plain_stream.h"

#include <sys/socket.h>

#include <cerrno>
#include <optional>

namespace selvage::net {
namespace {

class PlainStream final : public Stream {
public:
    explicit PlainStream(Socket socket)
        : socket_(std::move(socket)), name_(peer_name(socket_.fd())) {}
    ~PlainStream() override { close(); }

    Awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        if (++reads_at_once_ > kReadsPerTurn) {
            reads_at_once_ = 0;
            co_await yield_turn(socket_.executor());
        }
        // As over TLS: an idle connection keeps this frame.
        for (;;) {
            {
                auto read = try_read(into);
                if (read) co_return *std::move(read);
            }
            const auto [cancelled] = co_await socket_.wait_readable();
            if (cancelled) co_return fail(Errc::cancelled, "the wait for bytes was cancelled");
            reads_at_once_ = 0;
        }
    }

    Awaitable<Result<>> write(std::string_view bytes) override {
        while (!bytes.empty()) {
            if (!socket_.is_open()) co_return fail(Errc::connection_closed, "the stream is closed");
            const auto count = ::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count >= 0) {
                bytes.remove_prefix(static_cast<std::size_t>(count));
                continue;
            }
            if (errno == EINTR) continue;
            if (errno != EAGAIN) co_return fail(socket_error("write to", name_.text, errno));
            writing_ = true;
            const auto ready = co_await socket_.writable();
            if (!ready) co_return fail(ready.error());
            writing_ = false;
        }
        co_return Result<>{};
    }

    bool try_write(std::string_view& bytes) override {
        if (writing_ || !socket_.is_open()) return false;
        if (bytes.empty()) return true;
        const auto count = ::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
        return bytes.empty();
    }

    bool write_at_once(std::string_view bytes) override {
        if (writing_ || !socket_.is_open()) return false;
        const auto count = ::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return count >= 0 && static_cast<std::size_t>(count) == bytes.size();
    }

    void end_writing() override {
        if (socket_.is_open()) (void)::shutdown(socket_.fd(), SHUT_WR);
    }
    void close() override {
        if (socket_.is_open()) socket_.close();
    }
    std::string peer() const override { return name_.text; }
    int peer_pid() const override { return name_.pid; }
    int peer_uid() const override { return name_.uid; }

private:
    // Nothing: it would have to wait.
    std::optional<Result<std::size_t>> try_read(std::span<std::byte> into) {
        for (;;) {
            if (!socket_.is_open()) return fail(Errc::connection_closed, "the stream is closed");
            const auto count = ::recv(socket_.fd(), into.data(), into.size(), 0);
            if (count >= 0) return static_cast<std::size_t>(count);
            if (errno == EAGAIN) return std::nullopt;
            if (errno != EINTR) return fail(socket_error("read from", name_.text, errno));
        }
    }

    Socket socket_;
    PeerName name_;
    int reads_at_once_ = 0;
    bool writing_ = false;  // a write waits for the socket, or was given up half-way
};

}  // namespace

std::unique_ptr<Stream> make_plain_stream(Socket socket) {
    return std::make_unique<PlainStream>(std::move(socket));
}

}  // namespace selvage::net
