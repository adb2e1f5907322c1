// What the hub sends: input and C2D messages, desired patches, method calls.
//
// Deliveries wait in waiting_ (at most the window of each feed) until there is room in the output, so a client that reads
// slowly holds back its own messages only and is not dropped for messages that it never asked for all at once.
#include <algorithm>

#include "base/log.h"
#include "heads/mqtt/connection.h"

namespace selvage::heads::mqtt {
namespace {

constexpr std::size_t kOutputFilled = 128 * 1024;   // no further delivery is written while more than this is unsent

std::string_view text(hub_api::CloseReason reason) {
    switch (reason) {
        case hub_api::CloseReason::replaced: return "replaced by a newer connection";
        case hub_api::CloseReason::identity_removed: return "the identity was removed";
        case hub_api::CloseReason::identity_disabled: return "the identity was disabled";
        case hub_api::CloseReason::unauthorized: return "no longer authorized";
        case hub_api::CloseReason::shutting_down: return "the hub is shutting down";
        case hub_api::CloseReason::overloaded: return "the hub is overloaded";
    }
    return "closed by the hub";
}

}  // namespace

void MqttConnection::deliver(hub_api::Delivery delivery) {
    if (ended_) return;
    waiting_.push_back(std::move(delivery));
    pump_deliveries();
}

void MqttConnection::pump_deliveries() {
    // Settling may make the hub deliver inside the call: that only queues.
    if (pumping_) return;
    pumping_ = true;
    while (!ended_ && !waiting_.empty() && output_.size() < kOutputFilled) {
        hub_api::Delivery delivery = std::move(waiting_.front());
        waiting_.pop_front();
        send_delivery(std::move(delivery));
    }
    pumping_ = false;
}

void MqttConnection::send_delivery(hub_api::Delivery delivery) {
    const bool is_input = delivery.feed == hub_api::Feed::inputs;
    const FilterKind kind = is_input ? FilterKind::inputs : FilterKind::c2d;
    const std::string topic = is_input ? codec::hub_mqtt::input_topic(identity_, delivery.message)
                                       : codec::hub_mqtt::c2d_topic(identity_, delivery.message);
    const auto qos = granted_qos(kind, topic);
    // It was on its way when the client unsubscribed: somebody may come back for it.
    if (!qos && !has_filter(kind)) {
        session_->settle(delivery.token, hub_api::Outcome::abandoned);
        return;
    }
    // Sent again it would fail again: MQTT cannot carry this message to this client.
    const auto reject = [&](std::string_view why) {
        log::warn("mqtt.deliver", "device={} rejected a message of {} bytes: {}", domain::to_text(identity_),
                  delivery.message.body.size(), why);
        session_->settle(delivery.token, hub_api::Outcome::rejected);
    };
    if (!qos) return reject("no filter of the client takes its topic");
    codec::mqtt::Publish publish{.topic = topic, .payload = delivery.message.body, .packet_id = 0, .qos = *qos};
    if (publish.qos > 0) publish.packet_id = new_packet_id();
    // Booked first: send() may end the connection, and then the session returns what is booked.
    if (publish.qos > 0) unacked_.push_back({publish.packet_id, delivery.token});
    else settle_on_flush_.push_back(delivery.token);
    const auto sent = send(publish);
    if (sent) return;
    if (publish.qos > 0) unacked_.pop_back();
    else settle_on_flush_.pop_back();
    reject(sent.error().detail);
}

std::uint16_t MqttConnection::new_packet_id() {
    const auto taken = [this](std::uint16_t id) {
        return std::any_of(unacked_.begin(), unacked_.end(), [&](const Unacked& one) { return one.packet_id == id; });
    };
    do {
        last_packet_id_ = last_packet_id_ == 65535 ? 1 : static_cast<std::uint16_t>(last_packet_id_ + 1);
    } while (taken(last_packet_id_));
    return last_packet_id_;
}

void MqttConnection::desired_changed(std::int64_t version, const std::string& patch) {
    if (ended_ || !has_filter(FilterKind::desired)) return;
    const std::string topic = codec::hub_mqtt::desired_patch_topic(version);
    ignore(send(codec::mqtt::Publish{.topic = topic, .payload = patch}), "such a topic always encodes");
}

void MqttConnection::invoke_method(const std::string& request_id, const domain::MethodRequest& request) {
    if (ended_) return;
    const std::string topic = codec::hub_mqtt::method_call_topic(request.name, request_id);
    // A client may listen to single methods; the caller of another one waits for its timeout, as on IoT Hub.
    const auto sent = granted_qos(FilterKind::methods, topic)
                          ? send(codec::mqtt::Publish{.topic = topic, .payload = request.payload})
                          : Result<>(fail(Errc::not_online, "no filter of the client takes its topic"));
    if (!sent) log::debug("mqtt.method", "device={} not called: {}", domain::to_text(identity_), sent.error().detail);
}

void MqttConnection::close(hub_api::CloseReason reason) {
    closed_by_hub_ = true;
    end(std::string(text(reason)));
}

}  // namespace selvage::heads::mqtt
