// What clients send, but for subscriptions: telemetry, twin requests, method answers, acknowledgements.
#include <algorithm>

#include "base/log.h"
#include "heads/mqtt/connection.h"

namespace selvage::heads::mqtt {
namespace {

namespace hub_mqtt = codec::hub_mqtt;
using codec::mqtt::Publish;

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};

void set_property(domain::Message& message, std::string_view name, std::string_view value) {
    std::erase_if(message.properties, [&](const domain::Property& one) { return one.name == name; });
    message.properties.push_back({std::string(name), std::string(value)});
}

}  // namespace

void MqttConnection::take(codec::mqtt::Packet& packet) {
    std::visit(Overloaded{[this](const Publish& publish) { take_publish(publish); },
                          [this](const codec::mqtt::Puback& puback) { take_puback(puback.packet_id); },
                          [this](const codec::mqtt::Pingreq&) { SELVAGE_ASSERT(send(codec::mqtt::Pingresp{})); },
                          [this](const codec::mqtt::Disconnect&) {
                              will_.reset();   // MQTT-3.14.4-3
                              end("the client disconnected");
                          },
                          [this](const codec::mqtt::Connect&) { end("a second CONNECT"); },
                          [this](const codec::mqtt::Qos2Step&) { end("QoS 2 is not supported"); },
                          [this](const auto&) { end("a packet that only servers send"); }},
               packet);
}

void MqttConnection::take_publish(const Publish& publish) {
    if (publish.qos == 2) return end("a PUBLISH with QoS 2");
    if (const auto bag = hub_mqtt::own_telemetry_bag(publish.topic, identity_)) return take_telemetry(*bag, publish);
    auto topic = hub_mqtt::parse_client_topic(publish.topic);
    if (!topic) return end(fmt::format("{} ('{}')", topic.error().detail, printable(publish.topic)));
    // edgeHub takes the sender from the topic; here nobody speaks for another.
    if (const auto* foreign = std::get_if<hub_mqtt::Telemetry>(&*topic))
        return end(fmt::format("telemetry in the name of '{}'", printable(domain::to_text(foreign->identity))));
    // Acknowledged once taken: the answer, or its absence, says the rest.
    acks_.done(acks_.add(publish.packet_id, 0));
    std::visit(Overloaded{[](const hub_mqtt::Telemetry&) {},
                          [this](hub_mqtt::TwinGet& get) { queue_twin_request({std::move(get.request_id), std::nullopt, std::nullopt}); },
                          [&](hub_mqtt::TwinPatch& patch) {
                              queue_twin_request({std::move(patch.request_id), std::string(publish.payload), patch.if_version});
                          },
                          [&](const hub_mqtt::MethodAnswer& answer) {
                              session_->answer_method(answer.request_id, {answer.status, std::string(publish.payload)});
                          }},
               *topic);
    acknowledge_done();
}

void MqttConnection::take_telemetry(std::string_view bag, const Publish& publish) {
    domain::Message message;
    // Everything behind the prefix is the bag: an SDK that does not encode sends slashes in it.
    if (const auto parsed = hub_mqtt::parse_bag(bag, message, false); !parsed)
        return end(fmt::format("{} ('{}')", parsed.error().detail, printable(publish.topic)));
    message.body = publish.payload;
    if (publish.retain) set_property(message, "mqtt-retain", "true");   // docs/wire/mqtt.md#client-to-hub
    if (publish.dup) set_property(message, "mqtt-dup", "true");
    const auto number = acks_.add(publish.packet_id, publish.topic.size() + publish.payload.size());
    session_->send_telemetry(std::move(message), [connection = weak_from_this(), number](const Result<>& result) {
        if (const auto alive = connection.lock()) alive->telemetry_done(number, result);
    });
}

void MqttConnection::telemetry_done(std::uint64_t number, const Result<>& result) {
    if (ended_) return;
    // MQTT 3.1.1 has no way to say no to a PUBLISH: a dropped connection makes the client keep the message.
    if (!result) return end(fmt::format("telemetry refused: {}: {}", name(result.error().code), printable(result.error().detail)));
    acks_.done(number);
    acknowledge_done();
}

void MqttConnection::acknowledge_done() {
    acks_.take_done([this](std::uint16_t packet_id) { SELVAGE_ASSERT(send(codec::mqtt::Puback{packet_id})); });
    wake_reader();
}

void MqttConnection::take_puback(std::uint16_t packet_id) {
    const auto found = std::find_if(unacked_.begin(), unacked_.end(), [&](const Unacked& one) { return one.packet_id == packet_id; });
    if (found == unacked_.end()) {
        log::debug("mqtt.puback", "device={} acknowledged the unknown packet id {}", domain::to_text(identity_), packet_id);
        return;
    }
    const auto token = found->token;
    unacked_.erase(found);
    if (!session_->settle(token, hub_api::Outcome::completed))
        log::debug("mqtt.puback", "device={} acknowledged packet id {} after its lock was lost", domain::to_text(identity_), packet_id);
}

}  // namespace selvage::heads::mqtt
