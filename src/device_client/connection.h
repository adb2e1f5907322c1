// One MQTT connection from the client's side: CONNECT to loss. Knows packets, not what the hub's topics mean.
//
// Owned by the client; open() first, stop() before destruction. Runs on: the client's loop. One write a turn: all that is
// queued while a write is under way goes out with the next. Bounded: the send window; small packets are bounded by reading
// nothing while over a megabyte waits to be written.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/event.h"
#include "async/task_group.h"
#include "async/time_source.h"
#include "codec/mqtt/packet.h"
#include "device_client/send_window.h"
#include "net/stream.h"

namespace selvage::device_client {

struct ConnectionLimits {
    std::size_t window = 0;
    std::size_t window_bytes = 0;
    std::chrono::seconds keep_alive{0};    // 0: no pings
};

class Connection {
public:
    struct Hooks {
        // What the hub published; the views are valid during the call. With QoS 1 acknowledge(packet_id) is owed.
        std::function<void(const codec::mqtt::Publish&)> on_publish;
        // window_is_open() may have changed: a message was acknowledged, or the connection is over.
        std::function<void()> on_room;
    };

    Connection(async::Executor loop, async::TimeSource& time, std::unique_ptr<net::Stream> stream,
               ConnectionLimits limits, Hooks hooks);

    // CONNECT, CONNACK, SUBSCRIBE, SUBACK. Errors: unauthorized (the hub does not take the identity or its token),
    // unavailable, forbidden (a subscription is refused), timeout, and those of the stream.
    Awaitable<Result<>> open(codec::mqtt::Connect connect, std::vector<codec::mqtt::Filter> filters, Duration timeout);
    // Returns when the connection is over; why() says how.
    Awaitable<> over() { return over_.wait(); }
    bool is_over() const { return is_over_; }
    const Error& why() const { return why_; }

    bool window_is_open() const { return !is_over_ && window_.is_open(); }
    // QoS 1. The window must be open. Errors: invalid_argument (does not fit a packet); then `done` stays with the caller.
    Result<> send(std::string_view topic, std::string_view payload, SendWindow::Done& done);
    // QoS 0; nothing happens once the connection is over.
    Result<> publish(std::string_view topic, std::string_view payload);
    void acknowledge(std::uint16_t packet_id);

    // Waits for every acknowledgement that is owed to us, for at most `limit`.
    Awaitable<> drain(Duration limit);
    // Says DISCONNECT, if the hub still reads.
    Awaitable<> say_goodbye();
    // Drops the connection; its loops end soon.
    void end(Error why);
    // Ends all, then reports each message that is not acknowledged, in order: connection_closed.
    Awaitable<> stop();

private:
    enum class Phase { connecting, subscribing, open };

    Result<> queue(const codec::mqtt::Packet& packet);
    Awaitable<> read_loop();
    Awaitable<Error> receive();
    Awaitable<> write_loop();
    Awaitable<> keep_alive_loop();
    Result<> handle(codec::mqtt::Packet& packet);
    Result<> handle_connack(const codec::mqtt::Connack& connack);
    Result<> handle_suback(const codec::mqtt::Suback& suback);
    void acknowledged(std::uint16_t packet_id);

    async::TimeSource& time_;
    std::unique_ptr<net::Stream> stream_;
    ConnectionLimits limits_;
    Hooks hooks_;
    codec::mqtt::Decoder decoder_;
    SendWindow window_;
    std::vector<codec::mqtt::Filter> filters_;
    Phase phase_ = Phase::connecting;
    bool is_over_ = false;
    Error why_;
    std::string out_;               // queued
    std::string writing_;           // being written
    async::Event filled_;           // out_ has bytes
    async::Event drained_;          // everything has been written
    async::Event quiet_;            // the window is empty
    async::Event settled_;          // open, or over
    async::Event over_;
    TimePoint last_sent_;
    TimePoint last_received_;
    std::optional<TimePoint> ping_sent_;
    async::TaskGroup group_;
};

}  // namespace selvage::device_client
