// Two pipes with a bound, one for each direction. The state is shared, so that an end may die while
// the other lives.
#include <algorithm>
#include <cstring>

#include "async/event.h"
#include "net/socket.h"
#include "net/stream.h"

namespace selvage::net {
namespace {

// One direction.
struct Pipe {
    Pipe(const async::Executor& loop, std::size_t bytes_max_)
        : bytes_max(bytes_max_), filled(loop), drained(loop) {
        drained.set();
    }
    std::string bytes;
    std::size_t bytes_max;
    bool writer_closed = false;
    bool reader_closed = false;
    async::Event filled;   // bytes are there, or a side is closed
    async::Event drained;  // there is room, or a side is closed

    void side_closed(bool& side) {
        side = true;
        filled.set();
        drained.set();
    }
};

class PairEnd final : public Stream {
public:
    PairEnd(async::Executor loop, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out)
        : loop_(std::move(loop)), in_(std::move(in)), out_(std::move(out)) {}
    ~PairEnd() override { close(); }

    Awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        const auto pipe = in_;
        if (++reads_at_once_ > kReadsPerTurn) {
            reads_at_once_ = 0;
            co_await yield_turn(loop_);
        }
        if (pipe->reader_closed) co_return fail(Errc::connection_closed, "the stream is closed");
        if (pipe->bytes.empty() && !pipe->writer_closed) {
            co_await pipe->filled.wait();
            if (pipe->reader_closed || !pipe->filled.is_set())
                co_return fail(Errc::cancelled, "the wait for bytes was cancelled");
            reads_at_once_ = 0;
        }
        const auto count = std::min(into.size(), pipe->bytes.size());
        std::memcpy(into.data(), pipe->bytes.data(), count);
        pipe->bytes.erase(0, count);
        if (pipe->bytes.empty() && !pipe->writer_closed) pipe->filled.reset();
        pipe->drained.set();
        co_return count;
    }

    Awaitable<Result<>> write(std::string_view bytes) override {
        const auto pipe = out_;
        while (!bytes.empty()) {
            if (pipe->writer_closed)
                co_return fail(Errc::connection_closed, "the stream is closed");
            if (pipe->reader_closed)
                co_return fail(Errc::connection_closed, "the peer has closed the connection");
            const auto count = std::min(bytes.size(), pipe->bytes_max - pipe->bytes.size());
            if (count > 0) {
                pipe->bytes.append(bytes.substr(0, count));
                bytes.remove_prefix(count);
                pipe->filled.set();
                continue;
            }
            pipe->drained.reset();
            co_await pipe->drained.wait();
            if (pipe->writer_closed || !pipe->drained.is_set())
                co_return fail(Errc::cancelled, "the wait to write was cancelled");
        }
        co_return Result<>{};
    }

    bool try_write(std::string_view& bytes) override {
        auto& pipe = *out_;
        if (pipe.writer_closed || pipe.reader_closed || !pipe.drained.is_set()) return false;
        const auto count = std::min(bytes.size(), pipe.bytes_max - pipe.bytes.size());
        pipe.bytes.append(bytes.substr(0, count));
        bytes.remove_prefix(count);
        if (count > 0) pipe.filled.set();
        return bytes.empty();
    }

    bool write_at_once(std::string_view bytes) override {
        const auto& pipe = *out_;
        if (pipe.writer_closed || pipe.reader_closed || !pipe.drained.is_set()) return false;
        if (bytes.size() > pipe.bytes_max - pipe.bytes.size()) return false;
        out_->bytes += bytes;
        out_->filled.set();
        return true;
    }

    void end_writing() override { out_->side_closed(out_->writer_closed); }
    void close() override {
        if (in_->reader_closed) return;
        in_->side_closed(in_->reader_closed);
        out_->side_closed(out_->writer_closed);
    }
    std::string peer() const override { return "memory"; }

private:
    async::Executor loop_;
    std::shared_ptr<Pipe> in_;
    std::shared_ptr<Pipe> out_;
    int reads_at_once_ = 0;
};

}  // namespace

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_stream_pair(
    async::Executor loop, std::size_t buffer_bytes) {
    const auto there = std::make_shared<Pipe>(loop, buffer_bytes);
    const auto back = std::make_shared<Pipe>(loop, buffer_bytes);
    return {std::make_unique<PairEnd>(loop, there, back),
            std::make_unique<PairEnd>(loop, back, there)};
}

}  // namespace selvage::net
