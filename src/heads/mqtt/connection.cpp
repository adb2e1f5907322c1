// Serving until somebody calls end(), and the end.
//
// Reading: one buffer serves all connections of a thread. That works because read_some() fills it in the turn in which it
// returns, and whoever must wait while bytes of it are not yet looked at has the decoder keep them first.
#include "heads/mqtt/connection.h"

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <exception>

#include "async/deadline.h"
#include "base/encoding.h"
#include "base/log.h"

namespace selvage::heads::mqtt {
namespace {

constexpr std::size_t kTwinRequestsMax = 16;      // waiting for their turn: reading pauses there
constexpr std::chrono::seconds kWillTimeout{10};

}  // namespace

std::string printable(std::string_view text) {
    constexpr std::size_t kCharsMax = 300;
    std::string out(text.substr(0, kCharsMax));
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    if (text.size() > kCharsMax) out += "…";
    return out;
}

MqttConnection::MqttConnection(async::Executor loop, std::shared_ptr<net::Stream> stream, hub_api::Hub& hub,
                               async::TimeSource& time, Random& random, std::shared_ptr<const MqttSettings> settings,
                               codec::mqtt::Decoder decoder)
    : stream_(std::move(stream)), hub_(hub), time_(time), random_(random), settings_(std::move(settings)),
      tasks_(std::move(loop)), decoder_(std::move(decoder)) {
    decoder_.set_limits({.packet_bytes_max = settings_->packet_bytes_max});
}

Awaitable<> MqttConnection::serve() {
    look_after();
    co_await restore_filters(std::exchange(stored_filters_, {}));
    for (;;) {
        const Pause pause = take_packets();
        if (pause == Pause::ended) co_return;
        if (pause == Pause::need_bytes) {
            last_heard_ = time_.now();
            reading_ = true;
            hear(co_await stream_->read_some(net::read_buffer()));
        } else if (pause == Pause::no_room) {
            co_await wait_for_room();
        } else {
            co_await change_subscription(std::exchange(subscription_, nullptr));
        }
    }
}

// Apart from serve(), whose frame every idle connection keeps; so is take_packets().
[[gnu::noinline]] void MqttConnection::hear(const Result<std::size_t>& count) {
    reading_ = false;
    if (!count) end(count.error().detail);
    else if (*count == 0) end("the client closed the connection");
    else decoder_.feed(as_text(net::read_buffer().first(*count)));
}

MqttConnection::Pause MqttConnection::take_packets() {
    while (!ended_) {
        if (inbound_full()) {
            decoder_.keep();
            return Pause::no_room;
        }
        auto packet = decoder_.next();
        if (!packet) {
            end(fmt::format("bad packet: {}", packet.error().detail));
            break;
        }
        if (!*packet) return Pause::need_bytes;
        if (std::holds_alternative<codec::mqtt::Subscribe>(**packet) || std::holds_alternative<codec::mqtt::Unsubscribe>(**packet)) {
            decoder_.keep();
            subscription_ = std::make_unique<codec::mqtt::Packet>(*std::move(*packet));
            return Pause::subscription;
        }
        take(**packet);
    }
    return Pause::ended;
}

bool MqttConnection::inbound_full() const {
    return acks_.size() >= settings_->inbound_unacked_max || acks_.bytes() >= settings_->inbound_unacked_bytes_max ||
           twin_requests_.size() >= kTwinRequestsMax;
}

// The client feels this as TCP back-pressure.
Awaitable<> MqttConnection::wait_for_room() {
    while (inbound_full() && !ended_) {
        room_ = std::make_unique<async::Event>(tasks_.executor());
        co_await room_->wait();
        room_.reset();
    }
}

void MqttConnection::wake_reader() {
    if (room_ && (ended_ || !inbound_full())) room_->set();
}

void MqttConnection::end(std::string reason) {
    if (ended_) return;
    ended_ = true;
    end_reason_ = std::move(reason);
    stream_->close();
    wake_reader();
}

Awaitable<> MqttConnection::finish(std::exception_ptr failure) {
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (state.cancelled() != boost::asio::cancellation_type::none) {
        closed_by_hub_ = true;
        end("the server is stopping");
    } else if (failure) {
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& error) {
            log::error("mqtt.connection", "device={} failed: {}", domain::to_text(identity_), error.what());
        }
        end("internal error");
    }
    end("the connection ended");
    if (session_) log::info("mqtt.close", "device={} reason={}", domain::to_text(identity_), end_reason_);
    watchdog_.reset();
    if (will_ && session_ && !closed_by_hub_) co_await send_will();
    co_await tasks_.stop();
    session_.reset();
}

// Waits for the answer, since destroying the session may drop what is under way.
Awaitable<> MqttConnection::send_will() {
    auto parsed = codec::hub_mqtt::parse_client_topic(will_->topic);
    if (!parsed || !std::holds_alternative<codec::hub_mqtt::Telemetry>(*parsed)) co_return;   // checked at CONNECT
    domain::Message message = std::get<codec::hub_mqtt::Telemetry>(std::move(*parsed)).message;
    message.body = std::move(will_->payload);
    message.properties.push_back({"iothub-MessageType", "Will"});   // docs/wire/mqtt.md#will
    const auto sent = std::make_shared<async::Event>(tasks_.executor());
    session_->send_telemetry(std::move(message), [sent, device = domain::to_text(identity_)](const Result<>& result) {
        if (!result) log::warn("mqtt.will", "refused device={} reason={}", device, result.error().detail);
        sent->set();
    });
    const bool in_time = co_await async::run_for(time_, kWillTimeout, sent->wait());
    if (!in_time) log::warn("mqtt.will", "device={} was not confirmed in {} s", domain::to_text(identity_), kWillTimeout.count());
}

}  // namespace selvage::heads::mqtt
