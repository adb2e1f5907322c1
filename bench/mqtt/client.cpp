#include "mqtt/client.h"

#include <fmt/core.h>

#include "async/deadline.h"
#include "base/encoding.h"

namespace selvage::bench {
namespace {

using namespace codec;

constexpr std::chrono::seconds kDialTimeout{60};
constexpr std::uint16_t kKeepAliveSeconds = 1200;   // idle connections stay idle for a whole run
constexpr std::size_t kReadBytes = 64 * 1024;

// One for all connections of the thread: read_some() fills it in the turn in which it returns.
std::span<std::byte> read_buffer() {
    thread_local const std::unique_ptr<std::byte[]> buffer(new std::byte[kReadBytes]);
    return {buffer.get(), kReadBytes};
}

}  // namespace

Awaitable<Result<>> Client::next_bytes() {
    const auto buffer = read_buffer();
    SELVAGE_CO_TRY(const auto count, co_await stream_->read_some(buffer));
    if (count == 0) co_return fail(Errc::connection_closed, "the server closed the connection");
    decoder_.feed(as_text(buffer.first(count)));
    co_return Result<>{};
}

template <class T>
Awaitable<Result<T>> Client::answer() {
    for (;;) {
        SELVAGE_CO_TRY(auto packet, decoder_.next());
        if (packet) {
            decoder_.keep();
            if (auto* wanted = std::get_if<T>(&*packet)) co_return std::move(*wanted);
            co_return fail(Errc::malformed, fmt::format("an unexpected packet (kind {})", packet->index()));
        }
        SELVAGE_CO_CHECK(co_await next_bytes());
    }
}

Awaitable<Result<>> Client::connect(net::Dialer& dialer, net::Target target, const Account& account) {
    SELVAGE_CO_TRY(stream_, co_await dialer.dial(std::move(target), kDialTimeout));
    std::string hello;
    SELVAGE_CO_CHECK(mqtt::encode(mqtt::Connect{.keep_alive_seconds = kKeepAliveSeconds,
                                                .client_id = account.client_id,
                                                .username = account.username,
                                                .password = account.password},
                                  hello));
    SELVAGE_CO_CHECK(co_await stream_->write(hello));
    SELVAGE_CO_TRY(const auto connack, co_await answer<mqtt::Connack>());
    if (connack.code != mqtt::ConnectCode::accepted)
        co_return fail(Errc::unauthorized, fmt::format("{}: CONNACK {}", account.client_id, static_cast<int>(connack.code)));
    co_return Result<>{};
}

Awaitable<Result<>> Client::subscribe(std::string filter) {
    std::string request;
    SELVAGE_CO_CHECK(mqtt::encode(mqtt::Subscribe{1, {{filter, 1}}}, request));
    SELVAGE_CO_CHECK(co_await stream_->write(request));
    SELVAGE_CO_TRY(const auto suback, co_await answer<mqtt::Suback>());
    if (suback.codes != std::vector<std::uint8_t>{1}) co_return fail(Errc::forbidden, "no subscription to " + filter);
    co_return Result<>{};
}

Awaitable<Result<>> Client::read(OnPacket on_packet) {
    for (;;) {
        SELVAGE_CO_TRY(const auto packet, decoder_.next());
        if (packet) {
            on_packet(*packet);
        } else {
            SELVAGE_CO_CHECK(co_await next_bytes());
        }
    }
}

void Client::send(const mqtt::Packet& packet) {
    SELVAGE_ASSERT(mqtt::encode(packet, output_));
    if (std::exchange(flushing_, true)) return;
    tasks_.spawn("bench write", flush());
}

// A failed write shows itself in read().
Awaitable<> Client::flush() {
    std::string bytes;
    while (!output_.empty()) {
        bytes.clear();
        bytes.swap(output_);
        const auto written = co_await stream_->write(bytes);
        if (!written) co_return;
    }
    flushing_ = false;
}

Awaitable<> Client::stop() {
    if (stream_) {
        std::string farewell;
        SELVAGE_ASSERT(mqtt::encode(mqtt::Disconnect{}, farewell));
        stream_->write_at_once(farewell);
        stream_->close();
    }
    co_await tasks_.stop();
}

}  // namespace selvage::bench
