// Every rule of MQTT 3.1.1 that a packet can break by itself is checked here, so that nothing behind has to.
#include "codec/mqtt/packet_reader.h"

#include <fmt/core.h>

#include "codec/mqtt/text.h"

namespace selvage::codec::mqtt {
namespace {

std::unexpected<Error> malformed(std::string_view packet, std::string_view what) {
    return fail(Errc::malformed, fmt::format("{}: {}", packet, what));
}

// Reads fields off the front of a packet's body.
class Fields {
public:
    Fields(std::string_view packet, std::string_view rest) : packet_(packet), rest_(rest) {}

    Result<std::uint8_t> byte() {
        if (rest_.empty()) return cut_short();
        const auto value = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return value;
    }
    Result<std::uint16_t> number() {
        if (rest_.size() < 2) return cut_short();
        const auto value =
            static_cast<std::uint16_t>(static_cast<std::uint8_t>(rest_[0]) << 8 | static_cast<std::uint8_t>(rest_[1]));
        rest_.remove_prefix(2);
        return value;
    }
    Result<std::uint16_t> packet_id() {
        SELVAGE_TRY(const auto id, number());
        if (id == 0) return malformed(packet_, "packet id 0");   // MQTT-2.3.1-1
        return id;
    }
    Result<std::string_view> bytes() {
        SELVAGE_TRY(const auto size, number());
        if (rest_.size() < size) return cut_short();
        const std::string_view value = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return value;
    }
    Result<std::string_view> text() {
        SELVAGE_TRY(const auto value, bytes());
        if (!is_mqtt_text(value)) return malformed(packet_, "text that is not UTF-8 or holds U+0000");   // MQTT-1.5.3-1, -2
        return value;
    }
    std::string_view rest() const { return rest_; }
    Result<> end() const {
        if (!rest_.empty()) return malformed(packet_, fmt::format("{} bytes too many", rest_.size()));
        return {};
    }

private:
    std::unexpected<Error> cut_short() const { return malformed(packet_, "ends in the middle of a field"); }

    std::string_view packet_;
    std::string_view rest_;
};

Result<Packet> read_connect(std::string_view body) {
    Fields fields("CONNECT", body);
    Connect connect;
    SELVAGE_TRY(const auto name, fields.text());
    SELVAGE_TRY(connect.protocol_level, fields.byte());
    connect.protocol_name = name;
    if (connect.protocol_name != "MQTT" || connect.protocol_level != 4) return connect;
    SELVAGE_TRY(const auto flags, fields.byte());
    SELVAGE_TRY(connect.keep_alive_seconds, fields.number());
    SELVAGE_TRY(const auto client_id, fields.text());
    connect.client_id = client_id;
    connect.clean_session = (flags & 0x02) != 0;
    const bool has_will = (flags & 0x04) != 0;
    const bool has_username = (flags & 0x80) != 0;
    const bool has_password = (flags & 0x40) != 0;
    const auto will_qos = static_cast<std::uint8_t>(flags >> 3 & 3);
    if ((flags & 0x01) != 0) return malformed("CONNECT", "reserved flag is set");                             // MQTT-3.1.2-3
    if (!has_will && (flags & 0x38) != 0) return malformed("CONNECT", "will flags without a will");           // MQTT-3.1.2-11, -13, -15
    if (will_qos == 3) return malformed("CONNECT", "will QoS 3");                                             // MQTT-3.1.2-14
    if (has_password && !has_username) return malformed("CONNECT", "a password without a user name");        // MQTT-3.1.2-22
    if (has_will) {
        SELVAGE_TRY(const auto topic, fields.text());
        SELVAGE_TRY(const auto payload, fields.bytes());
        if (topic.empty() || topic.find_first_of("+#") != std::string_view::npos)
            return malformed("CONNECT", "will topic is empty or has a wildcard");
        connect.will = Will{std::string(topic), std::string(payload), will_qos, (flags & 0x20) != 0};
    }
    if (has_username) {
        SELVAGE_TRY(const auto username, fields.text());
        connect.username = username;
    }
    if (has_password) {
        SELVAGE_TRY(const auto password, fields.bytes());
        connect.password = password;
    }
    SELVAGE_CHECK(fields.end());
    return connect;
}

Result<Packet> read_connack(std::string_view body) {
    Fields fields("CONNACK", body);
    SELVAGE_TRY(const auto flags, fields.byte());
    SELVAGE_TRY(const auto code, fields.byte());
    SELVAGE_CHECK(fields.end());
    if (flags > 1) return malformed("CONNACK", "reserved flags are set");
    if (code > 5) return malformed("CONNACK", "reserved return code");
    if (flags == 1 && code != 0) return malformed("CONNACK", "session present with a refusal");   // MQTT-3.2.2-4
    return Connack{flags == 1, static_cast<ConnectCode>(code)};
}

Result<Packet> read_publish(std::uint8_t flags, std::string_view body) {
    Fields fields("PUBLISH", body);
    Publish publish;
    publish.qos = static_cast<std::uint8_t>(flags >> 1 & 3);
    publish.retain = (flags & 1) != 0;
    publish.dup = (flags & 8) != 0;
    SELVAGE_TRY(publish.topic, fields.text());
    if (publish.topic.empty()) return malformed("PUBLISH", "topic is empty");                    // MQTT-4.7.3-1
    if (publish.topic.find_first_of("+#") != std::string_view::npos)
        return malformed("PUBLISH", "topic has a wildcard");                                     // MQTT-3.3.2-2
    if (publish.qos > 0) {
        SELVAGE_TRY(publish.packet_id, fields.packet_id());
    }
    publish.payload = fields.rest();
    return publish;
}

Result<Packet> read_subscribe(std::string_view body, const Limits& limits) {
    Fields fields("SUBSCRIBE", body);
    Subscribe subscribe;
    SELVAGE_TRY(subscribe.packet_id, fields.packet_id());
    while (!fields.rest().empty()) {
        SELVAGE_TRY(const auto filter, fields.text());
        SELVAGE_TRY(const auto qos, fields.byte());
        if (qos > 2) return malformed("SUBSCRIBE", "QoS is not 0, 1 or 2");                      // MQTT-3.8.3-4
        if (!is_valid_filter(filter)) return malformed("SUBSCRIBE", "filter is empty or has a wildcard in the wrong place");
        if (subscribe.filters.size() >= limits.filters_max) return malformed("SUBSCRIBE", "too many filters");
        subscribe.filters.push_back({std::string(filter), qos});
    }
    if (subscribe.filters.empty()) return malformed("SUBSCRIBE", "no filter");                   // MQTT-3.8.3-3
    return subscribe;
}

Result<Packet> read_suback(std::string_view body, const Limits& limits) {
    Fields fields("SUBACK", body);
    Suback suback;
    SELVAGE_TRY(suback.packet_id, fields.packet_id());
    if (fields.rest().empty()) return malformed("SUBACK", "no return code");
    if (fields.rest().size() > limits.filters_max) return malformed("SUBACK", "too many return codes");
    for (const char c : fields.rest()) {
        const auto code = static_cast<std::uint8_t>(c);
        if (code > 2 && code != 0x80) return malformed("SUBACK", "reserved return code");        // MQTT-3.9.3-2
        suback.codes.push_back(code);
    }
    return suback;
}

Result<Packet> read_unsubscribe(std::string_view body, const Limits& limits) {
    Fields fields("UNSUBSCRIBE", body);
    Unsubscribe unsubscribe;
    SELVAGE_TRY(unsubscribe.packet_id, fields.packet_id());
    while (!fields.rest().empty()) {
        SELVAGE_TRY(const auto filter, fields.text());
        if (!is_valid_filter(filter)) return malformed("UNSUBSCRIBE", "filter is empty or has a wildcard in the wrong place");
        if (unsubscribe.filters.size() >= limits.filters_max) return malformed("UNSUBSCRIBE", "too many filters");
        unsubscribe.filters.emplace_back(filter);
    }
    if (unsubscribe.filters.empty()) return malformed("UNSUBSCRIBE", "no filter");               // MQTT-3.10.3-2
    return unsubscribe;
}

Result<std::uint16_t> read_packet_id_alone(std::string_view packet, std::string_view body) {
    Fields fields(packet, body);
    SELVAGE_TRY(const auto id, fields.packet_id());
    SELVAGE_CHECK(fields.end());
    return id;
}

// The flags that a packet other than PUBLISH must carry: MQTT 3.1.1 table 2.2.
std::uint8_t required_flags(PacketType type) {
    const bool two = type == PacketType::pubrel || type == PacketType::subscribe || type == PacketType::unsubscribe;
    return two ? 2 : 0;
}

// Looked at as soon as the first byte is there, so that another protocol's client is not waited for.
Result<> check_first_byte(std::uint8_t byte) {
    const auto type = static_cast<PacketType>(byte >> 4);
    const int flags = byte & 15;
    if (byte >> 4 == 0 || byte >> 4 == 15) return malformed("packet", "reserved type");
    if (type == PacketType::publish) {
        if ((flags & 6) == 6) return malformed("PUBLISH", "QoS 3");                           // MQTT-3.3.1-4
        if ((flags & 14) == 8) return malformed("PUBLISH", "DUP with QoS 0");                 // MQTT-3.3.1-2
    } else if (flags != required_flags(type)) {
        return malformed("packet", fmt::format("type {} with flags {}", byte >> 4, flags));   // MQTT-2.2.2-2
    }
    return {};
}

}  // namespace

Result<std::optional<FixedHeader>> read_fixed_header(std::string_view bytes, const Limits& limits) {
    if (bytes.empty()) return std::nullopt;
    FixedHeader header;
    header.type_and_flags = static_cast<std::uint8_t>(bytes[0]);
    SELVAGE_CHECK(check_first_byte(header.type_and_flags));
    for (std::size_t i = 1; i < 5; ++i) {
        if (i >= bytes.size()) return std::nullopt;
        const auto digit = static_cast<std::uint8_t>(bytes[i]);
        header.remaining_bytes |= static_cast<std::size_t>(digit & 0x7f) << (7 * (i - 1));
        if (header.remaining_bytes > limits.packet_bytes_max)
            return fail(Errc::message_too_large, fmt::format("packet of at least {} bytes, at most {} are taken",
                                                             header.remaining_bytes, limits.packet_bytes_max));
        if ((digit & 0x80) == 0) {
            header.header_bytes = i + 1;
            return header;
        }
    }
    return malformed("packet", "remaining length has more than four bytes");
}

Result<Packet> read_packet(std::uint8_t type_and_flags, std::string_view body, const Limits& limits) {
    const auto type = static_cast<PacketType>(type_and_flags >> 4);
    if (type == PacketType::publish) return read_publish(static_cast<std::uint8_t>(type_and_flags & 15), body);
    switch (type) {
        case PacketType::connect: return read_connect(body);
        case PacketType::connack: return read_connack(body);
        case PacketType::subscribe: return read_subscribe(body, limits);
        case PacketType::suback: return read_suback(body, limits);
        case PacketType::unsubscribe: return read_unsubscribe(body, limits);
        case PacketType::puback: {
            SELVAGE_TRY(const auto id, read_packet_id_alone("PUBACK", body));
            return Puback{id};
        }
        case PacketType::unsuback: {
            SELVAGE_TRY(const auto id, read_packet_id_alone("UNSUBACK", body));
            return Unsuback{id};
        }
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp: {
            SELVAGE_TRY(const auto id, read_packet_id_alone("QoS 2 acknowledgement", body));
            return Qos2Step{static_cast<std::uint8_t>(type), id};
        }
        default: break;
    }
    if (!body.empty()) return malformed("packet", fmt::format("type {} with a body", type_and_flags >> 4));
    if (type == PacketType::pingreq) return Pingreq{};
    if (type == PacketType::pingresp) return Pingresp{};
    return Disconnect{};
}

}  // namespace selvage::codec::mqtt
