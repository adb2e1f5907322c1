// Reading decodes where the bytes lie: the inner stream fills the caller's buffer in the turn in which its call returns, and
// the payload is moved to the front before anything is waited for. So a pong cannot be sent while data waits in that buffer:
// it is kept (the newest only, as RFC 6455 5.5.3 allows) and goes out with the next read or write.
//
// Reader and writer share the inner stream's writing side: whoever finds it free takes it; a reader that finds it taken
// leaves its answer to the writer, and a writer waits for a reader's few bytes.
#include "net/websocket_stream.h"

#include <optional>

#include "async/event.h"
#include "base/encoding.h"
#include "codec/websocket/frame.h"

namespace selvage::net {
namespace {

using codec::websocket::Control;
using codec::websocket::FrameReader;
using codec::websocket::Opcode;
using codec::websocket::Role;

// RFC 6455 section 7.4.1
constexpr std::uint16_t kNormalClosure = 1000;
constexpr std::uint16_t kProtocolError = 1002;

class WebSocketStream final : public Stream {
public:
    WebSocketStream(async::Executor loop, std::shared_ptr<Stream> inner, std::string early, Role role, Random* random)
        : loop_(std::move(loop)), inner_(std::move(inner)), early_(std::move(early)), role_(role), random_(random),
          frames_(role) {}
    ~WebSocketStream() override { close(); }

    Awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;
    Awaitable<Result<>> write(std::string_view bytes) override;
    bool write_at_once(std::string_view bytes) override;
    void end_writing() override { say_goodbye(kNormalClosure); }
    void close() override;

    std::string peer() const override { return inner_->peer(); }
    std::vector<std::string> peer_certificates() const override { return inner_->peer_certificates(); }
    int peer_pid() const override { return inner_->peer_pid(); }
    int peer_uid() const override { return inner_->peer_uid(); }

private:
    // The right to write to inner_, as long as it lives. Given up without done() it leaves the stream dead: half a frame may
    // be out, and nothing can follow that.
    class Turn {
    public:
        explicit Turn(WebSocketStream& stream) : stream_(stream) { stream_.writing_ = true; }
        ~Turn() {
            stream_.dead_ |= !done_;
            stream_.writing_ = stream_.next_writer_ != nullptr;
            if (stream_.next_writer_) stream_.next_writer_->set();
        }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        void done() { done_ = true; }

    private:
        WebSocketStream& stream_;
        bool done_ = false;
    };

    bool may_write() const { return !dead_ && !close_sent_ && !ended_; }
    std::string frame(Opcode opcode, std::string_view payload);
    // Bytes for the frame reader: what came early, then the inner stream's.
    Awaitable<Result<std::size_t>> read_raw(std::span<std::byte> into);
    void take(const Control& control);
    // Writes `bytes` and the answers that are due. In the caller's turn.
    Awaitable<Result<>> write_turn(std::string bytes);
    Awaitable<Result<>> answer();
    void say_goodbye(std::uint16_t code);
    static Error closed() { return {Errc::connection_closed, "the WebSocket is closed"}; }

    async::Executor loop_;
    std::shared_ptr<Stream> inner_;
    std::string early_;
    Role role_;
    Random* random_;
    FrameReader frames_;
    bool writing_ = false;                      // somebody has the turn
    std::unique_ptr<async::Event> next_writer_; // who gets it next; there is one writer at most besides the reader
    std::optional<std::string> pong_;           // to be sent
    std::optional<std::string> bye_;            // payload of a close frame to be sent
    bool peer_ended_ = false;
    bool ended_ = false;                        // by end_writing() or close()
    bool close_sent_ = false;
    bool dead_ = false;
};

std::string WebSocketStream::frame(Opcode opcode, std::string_view payload) {
    std::array<std::uint8_t, 4> mask{};
    if (random_ != nullptr) random_->fill(std::as_writable_bytes(std::span(mask)));
    std::string out;
    out.reserve(payload.size() + 14);
    codec::websocket::write_frame(opcode, payload, role_, mask, out);
    return out;
}

Awaitable<Result<std::size_t>> WebSocketStream::read_raw(std::span<std::byte> into) {
    if (early_.empty()) co_return co_await inner_->read_some(into);
    const auto count = std::min(into.size(), early_.size());
    std::ranges::copy(as_bytes(early_).first(count), into.begin());
    early_.erase(0, count);
    if (early_.empty()) early_.shrink_to_fit();
    co_return count;
}

void WebSocketStream::take(const Control& control) {
    if (control.opcode == Opcode::ping) pong_ = control.payload;
    if (control.opcode != Opcode::close || peer_ended_) return;
    peer_ended_ = true;
    // Its code is said back; without one there is none to say.
    if (!close_sent_) bye_ = control.payload.substr(0, 2);
}

Awaitable<Result<std::size_t>> WebSocketStream::read_some(std::span<std::byte> into) {
    std::vector<Control> controls;
    for (;;) {
        if (dead_) co_return fail(closed());
        SELVAGE_CO_CHECK(co_await answer());
        if (dead_) co_return fail(closed());
        if (peer_ended_) co_return std::size_t{0};
        const auto count = co_await read_raw(into);
        if (!count || *count == 0) co_return count;
        const auto payload = frames_.read(into.first(*count), controls);
        for (const auto& control : controls)
            take(control);
        controls.clear();
        if (!payload) {
            say_goodbye(kProtocolError);
            dead_ = true;
            co_return fail(payload.error());
        }
        if (*payload > 0) co_return *payload;
    }
}

// Sends what control frames of the peer call for, unless a writer is at it and will.
Awaitable<Result<>> WebSocketStream::answer() {
    if ((!pong_ && !bye_) || writing_) co_return Result<>{};
    Turn turn(*this);
    const auto written = co_await write_turn({});
    if (written) turn.done();
    co_return written;
}

Awaitable<Result<>> WebSocketStream::write_turn(std::string bytes) {
    for (;;) {
        if (close_sent_) co_return Result<>{};
        if (const auto pong = std::exchange(pong_, std::nullopt)) bytes += frame(Opcode::pong, *pong);
        if (const auto bye = std::exchange(bye_, std::nullopt)) {
            bytes += frame(Opcode::close, *bye);
            close_sent_ = true;
        }
        if (bytes.empty()) co_return Result<>{};
        const auto written = co_await inner_->write(bytes);
        if (!written) co_return written;
        bytes.clear();
    }
}

Awaitable<Result<>> WebSocketStream::write(std::string_view bytes) {
    if (!may_write()) co_return fail(closed());
    if (bytes.empty()) co_return Result<>{};
    if (writing_) {
        next_writer_ = std::make_unique<async::Event>(loop_);
        co_await next_writer_->wait();
        const bool mine = next_writer_->is_set();
        next_writer_.reset();
        if (!mine) co_return fail(Errc::cancelled, "the wait to write was cancelled");
    }
    Turn turn(*this);
    if (!may_write()) {
        turn.done();
        co_return fail(closed());
    }
    const auto written = co_await write_turn(frame(Opcode::binary, bytes));
    if (written) turn.done();
    co_return written;
}

bool WebSocketStream::write_at_once(std::string_view bytes) {
    if (!may_write() || writing_) return false;
    return inner_->write_at_once(frame(Opcode::binary, bytes));
}

void WebSocketStream::say_goodbye(std::uint16_t code) {
    if (!may_write()) return;
    ended_ = true;
    if (!bye_) bye_ = codec::websocket::close_payload(code, {});
    // Who has the turn sends it last.
    if (writing_) return;
    close_sent_ = true;
    // Without room for it the peer sees the end of the stream below.
    if (!inner_->write_at_once(frame(Opcode::close, *std::exchange(bye_, std::nullopt)))) inner_->end_writing();
}

void WebSocketStream::close() {
    if (!dead_) say_goodbye(kNormalClosure);
    dead_ = true;
    inner_->close();
}

}  // namespace

std::unique_ptr<Stream> make_websocket_server(async::Executor loop, std::shared_ptr<Stream> stream, std::string early) {
    return std::make_unique<WebSocketStream>(std::move(loop), std::move(stream), std::move(early), Role::server, nullptr);
}

std::unique_ptr<Stream> make_websocket_client(async::Executor loop, std::shared_ptr<Stream> stream, std::string early,
                                              Random& random) {
    return std::make_unique<WebSocketStream>(std::move(loop), std::move(stream), std::move(early), Role::client, &random);
}

}  // namespace selvage::net
