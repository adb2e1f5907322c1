// Three loops share one connection: one reads, one writes, one keeps it alive. Whichever fails calls end(), which closes the
// stream and so ends the others. Everything that waits looks at is_over_ when it wakes.
#include "device_client/connection.h"

#include "async/deadline.h"
#include "base/encoding.h"
#include "base/log.h"

namespace selvage::device_client {
namespace {

using namespace codec;

constexpr std::uint16_t kSubscribeId = 1;
constexpr std::uint16_t kFirstMessageId = 2;
constexpr std::size_t kReadBytes = 8 * 1024;
constexpr std::size_t kOutBytesMax = 1 << 20;
constexpr std::size_t kKeptCapacity = 64 * 1024;   // buffers that a burst made larger are given back

// Wire: MQTT 3.1.1 table 3.1, and what the hub means by it: docs/wire/mqtt.md.
Error refusal(mqtt::ConnectCode code) {
    switch (code) {
        case mqtt::ConnectCode::unavailable: return {Errc::unavailable, "the hub is unavailable or throttles"};
        case mqtt::ConnectCode::bad_protocol: return {Errc::unsupported, "the hub does not speak MQTT 3.1.1"};
        case mqtt::ConnectCode::id_rejected: return {Errc::unauthorized, "the hub refuses the client id"};
        case mqtt::ConnectCode::bad_credentials:
            return {Errc::unauthorized, "not authorised: the hub refuses user name or token"};
        default: return {Errc::unauthorized, "not authorised: unknown or disabled identity, or a bad token"};
    }
}

}  // namespace

Connection::Connection(async::Executor loop, async::TimeSource& time, std::unique_ptr<net::Stream> stream,
                       ConnectionLimits limits, Hooks hooks)
    : time_(time),
      stream_(std::move(stream)),
      limits_(limits),
      hooks_(std::move(hooks)),
      window_(limits.window, limits.window_bytes, kFirstMessageId),
      filled_(loop),
      drained_(loop),
      quiet_(loop),
      settled_(loop),
      over_(loop),
      last_sent_(time.now()),
      last_received_(time.now()),
      group_(loop) {
    drained_.set();
    quiet_.set();
}

Awaitable<Result<>> Connection::open(mqtt::Connect connect, std::vector<mqtt::Filter> filters, Duration timeout) {
    filters_ = std::move(filters);
    auto queued = queue(connect);
    if (!queued) co_return fail(queued.error().in("CONNECT"));
    group_.spawn("mqtt client read loop", read_loop());
    group_.spawn("mqtt client write loop", write_loop());
    co_await async::run_for(time_, timeout, settled_.wait());
    if (is_over_) co_return fail(why_);
    if (phase_ != Phase::open) co_return fail(Errc::timeout, "the hub does not answer the CONNECT");
    if (limits_.keep_alive.count() > 0) group_.spawn("mqtt client keep alive", keep_alive_loop());
    co_return Result<>{};
}

Result<> Connection::queue(const mqtt::Packet& packet) {
    const auto before = out_.size();
    if (auto encoded = mqtt::encode(packet, out_); !encoded) {
        out_.resize(before);
        return encoded;
    }
    drained_.reset();
    filled_.set();
    return {};
}

Result<> Connection::send(std::string_view topic, std::string_view payload, SendWindow::Done& done) {
    SELVAGE_CHECK(queue(mqtt::Publish{.topic = topic, .payload = payload, .packet_id = window_.next_id(), .qos = 1}));
    window_.add(topic.size() + payload.size(), std::move(done));
    quiet_.reset();
    return {};
}

Result<> Connection::publish(std::string_view topic, std::string_view payload) {
    if (is_over_) return {};
    return queue(mqtt::Publish{.topic = topic, .payload = payload});
}

void Connection::acknowledge(std::uint16_t packet_id) {
    if (is_over_ || packet_id == 0) return;
    ignore(queue(mqtt::Puback{packet_id}), "a PUBACK always fits");
}

Awaitable<> Connection::drain(Duration limit) { co_await async::run_for(time_, limit, quiet_.wait()); }

Awaitable<> Connection::say_goodbye() {
    if (is_over_) co_return;
    ignore(queue(mqtt::Disconnect{}), "a DISCONNECT always fits");
    co_await async::run_for(time_, std::chrono::seconds(1), drained_.wait());
}

void Connection::end(Error why) {
    if (is_over_) return;
    is_over_ = true;
    why_ = std::move(why);
    stream_->close();
    for (async::Event* event : {&filled_, &drained_, &quiet_, &settled_, &over_}) event->set();
    hooks_.on_room();
}

Awaitable<> Connection::stop() {
    end({Errc::cancelled, "stopped"});
    co_await group_.stop();
    const Result<> lost = fail(Errc::connection_closed, "the connection was lost before the acknowledgement: " + why_.detail);
    for (auto& done : window_.take_all()) done(lost);
}

Awaitable<> Connection::read_loop() {
    Error why;
    try {
        why = co_await receive();
    } catch (const std::exception& e) {
        why = {Errc::internal, e.what()};
    }
    end(std::move(why));
}

Awaitable<Error> Connection::receive() {
    std::vector<std::byte> buffer(kReadBytes);
    while (!is_over_) {
        if (out_.size() > kOutBytesMax) {
            co_await drained_.wait();
            continue;
        }
        const auto count = co_await stream_->read_some(buffer);
        if (!count) co_return count.error();
        if (*count == 0) co_return Error{Errc::connection_closed, "the hub closed the connection"};
        last_received_ = time_.now();
        ping_sent_.reset();
        decoder_.feed(as_text(std::span(buffer).first(*count)));
        while (!is_over_) {
            auto packet = decoder_.next();
            if (!packet) co_return packet.error().in("from the hub");
            if (!*packet) break;
            if (auto handled = handle(**packet); !handled) co_return handled.error();
        }
    }
    co_return why_;
}

Result<> Connection::handle(mqtt::Packet& packet) {
    if (const auto* connack = std::get_if<mqtt::Connack>(&packet)) return handle_connack(*connack);
    if (phase_ == Phase::connecting) return fail(Errc::malformed, "the hub sent something before its CONNACK");
    if (const auto* publish = std::get_if<mqtt::Publish>(&packet)) {
        if (publish->qos > 1) return fail(Errc::malformed, "the hub sent a message with QoS 2");
        hooks_.on_publish(*publish);
        return {};
    }
    if (const auto* puback = std::get_if<mqtt::Puback>(&packet)) {
        acknowledged(puback->packet_id);
        return {};
    }
    if (const auto* suback = std::get_if<mqtt::Suback>(&packet)) return handle_suback(*suback);
    if (std::holds_alternative<mqtt::Pingresp>(packet)) return {};
    return fail(Errc::malformed, "the hub sent a packet that only clients send");
}

Result<> Connection::handle_connack(const mqtt::Connack& connack) {
    if (phase_ != Phase::connecting) return fail(Errc::malformed, "the hub sent a second CONNACK");
    if (connack.code != mqtt::ConnectCode::accepted) return fail(refusal(connack.code));
    phase_ = Phase::subscribing;
    return queue(mqtt::Subscribe{.packet_id = kSubscribeId, .filters = filters_});
}

Result<> Connection::handle_suback(const mqtt::Suback& suback) {
    if (phase_ != Phase::subscribing || suback.packet_id != kSubscribeId || suback.codes.size() != filters_.size())
        return fail(Errc::malformed, "the hub sent a SUBACK that answers nothing");
    for (std::size_t i = 0; i < filters_.size(); ++i)
        if (suback.codes[i] > 2)
            return fail(Errc::forbidden, "the hub refuses the subscription to '" + filters_[i].filter + "'");
    phase_ = Phase::open;
    settled_.set();
    return {};
}

void Connection::acknowledged(std::uint16_t packet_id) {
    auto done = window_.take(packet_id);
    if (!done) {
        log::debug("mqtt.client", "acknowledgement of nothing packet_id={}", packet_id);
        return;
    }
    if (window_.empty()) quiet_.set();
    done(Result<>{});
    hooks_.on_room();
}

Awaitable<> Connection::write_loop() {
    while (!is_over_) {
        if (out_.empty()) {
            drained_.set();
            filled_.reset();
            co_await filled_.wait();
            continue;
        }
        writing_.swap(out_);
        auto written = co_await stream_->write(writing_);
        if (!written) {
            end(written.error());
            co_return;
        }
        last_sent_ = time_.now();
        writing_.clear();
        if (writing_.capacity() > kKeptCapacity) std::string().swap(writing_);
    }
}

// Three quarters of the keep-alive time without traffic in either direction: a ping. Half of it without any byte after the
// ping: the peer is dead, whatever TCP says.
Awaitable<> Connection::keep_alive_loop() {
    const Duration quiet = Duration(limits_.keep_alive) * 3 / 4;
    const Duration patience = Duration(limits_.keep_alive) / 2;
    while (!is_over_) {
        const auto due = ping_sent_ ? *ping_sent_ + patience : std::min(last_sent_, last_received_) + quiet;
        if (time_.now() < due) {
            const auto slept = co_await time_.sleep_until(due);
            if (!slept) co_return;
            continue;
        }
        if (ping_sent_) {
            end({Errc::timeout, "the hub does not answer a ping"});
            co_return;
        }
        ping_sent_ = time_.now();
        last_sent_ = time_.now();
        ignore(queue(mqtt::Pingreq{}), "a PINGREQ always fits");
    }
}

}  // namespace selvage::device_client
