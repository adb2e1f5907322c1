#include <fmt/core.h>

#include "codec/mqtt/packet_reader.h"
#include "codec/mqtt/text.h"

namespace selvage::codec::mqtt {
namespace {

constexpr std::size_t kTextBytesMax = 65535;                // section 1.5.3: a two-byte length
constexpr std::size_t kRemainingBytesMax = 268'435'455;     // section 2.2.3: four digits of seven bits

std::unexpected<Error> refuse(std::string_view what) { return fail(Errc::invalid_argument, std::string(what)); }

void append_number(std::string& out, std::uint16_t value) {
    out += static_cast<char>(value >> 8);
    out += static_cast<char>(value & 0xff);
}
void append_bytes(std::string& out, std::string_view bytes) {
    append_number(out, static_cast<std::uint16_t>(bytes.size()));
    out += bytes;
}
Result<> append_header(std::string& out, PacketType type, unsigned flags, std::size_t remaining) {
    if (remaining > kRemainingBytesMax) return refuse("the packet is over 268,435,455 bytes");
    out += static_cast<char>(static_cast<unsigned>(type) << 4 | flags);
    do {
        const auto digit = static_cast<unsigned>(remaining & 0x7f);
        remaining >>= 7;
        out += static_cast<char>(digit | (remaining > 0 ? 0x80u : 0u));
    } while (remaining > 0);
    return {};
}

Result<> check_text(std::string_view what, std::string_view text) {
    if (text.size() > kTextBytesMax) return refuse(fmt::format("{} has {} bytes, at most 65,535", what, text.size()));
    if (!is_mqtt_text(text)) return refuse(fmt::format("{} is not UTF-8 or holds U+0000", what));
    return {};
}
Result<> check_topic(std::string_view what, std::string_view topic) {
    SELVAGE_CHECK(check_text(what, topic));
    if (topic.empty() || topic.find_first_of("+#") != std::string_view::npos)
        return refuse(fmt::format("{} is empty or has a wildcard", what));
    return {};
}
Result<> check_packet_id(std::uint16_t id) {
    if (id == 0) return refuse("packet id 0");
    return {};
}

// One overload a packet: checks everything first, then writes.

Result<> write(const Connect& connect, std::string& out) {
    SELVAGE_CHECK(check_text("client id", connect.client_id));
    SELVAGE_CHECK(check_text("protocol name", connect.protocol_name));
    if (connect.password && !connect.username) return refuse("a password without a user name");
    if (connect.password && connect.password->size() > kTextBytesMax) return refuse("the password is over 65,535 bytes");
    std::size_t remaining = 2 + connect.protocol_name.size() + 4 + 2 + connect.client_id.size();
    unsigned flags = connect.clean_session ? 0x02u : 0u;
    if (connect.will) {
        SELVAGE_CHECK(check_topic("will topic", connect.will->topic));
        if (connect.will->payload.size() > kTextBytesMax) return refuse("the will is over 65,535 bytes");
        if (connect.will->qos > 2) return refuse("the will's QoS is not 0, 1 or 2");
        flags |= 0x04u | static_cast<unsigned>(connect.will->qos) << 3 | (connect.will->retain ? 0x20u : 0u);
        remaining += 4 + connect.will->topic.size() + connect.will->payload.size();
    }
    if (connect.username) {
        SELVAGE_CHECK(check_text("user name", *connect.username));
        flags |= 0x80u;
        remaining += 2 + connect.username->size();
    }
    if (connect.password) {
        flags |= 0x40u;
        remaining += 2 + connect.password->size();
    }
    SELVAGE_CHECK(append_header(out, PacketType::connect, 0, remaining));
    append_bytes(out, connect.protocol_name);
    out += static_cast<char>(connect.protocol_level);
    out += static_cast<char>(flags);
    append_number(out, connect.keep_alive_seconds);
    append_bytes(out, connect.client_id);
    if (connect.will) append_bytes(out, connect.will->topic);
    if (connect.will) append_bytes(out, connect.will->payload);
    if (connect.username) append_bytes(out, *connect.username);
    if (connect.password) append_bytes(out, *connect.password);
    return {};
}

Result<> write(const Connack& connack, std::string& out) {
    if (connack.session_present && connack.code != ConnectCode::accepted) return refuse("session present with a refusal");
    SELVAGE_CHECK(append_header(out, PacketType::connack, 0, 2));
    out += static_cast<char>(connack.session_present ? 1 : 0);
    out += static_cast<char>(connack.code);
    return {};
}

Result<> write(const Publish& publish, std::string& out) {
    SELVAGE_CHECK(check_topic("topic", publish.topic));
    if (publish.qos > 2) return refuse("QoS is not 0, 1 or 2");
    if ((publish.qos == 0) != (publish.packet_id == 0)) return refuse("a packet id goes with QoS 1 and 2 only");
    if (publish.qos == 0 && publish.dup) return refuse("DUP with QoS 0");
    const std::size_t remaining = 2 + publish.topic.size() + (publish.qos > 0 ? 2 : 0) + publish.payload.size();
    const unsigned flags = static_cast<unsigned>(publish.qos) << 1 | (publish.retain ? 1u : 0u) | (publish.dup ? 8u : 0u);
    SELVAGE_CHECK(append_header(out, PacketType::publish, flags, remaining));
    append_bytes(out, publish.topic);
    if (publish.qos > 0) append_number(out, publish.packet_id);
    out += publish.payload;
    return {};
}

Result<> write_packet_id_alone(PacketType type, unsigned flags, std::uint16_t id, std::string& out) {
    SELVAGE_CHECK(check_packet_id(id));
    SELVAGE_CHECK(append_header(out, type, flags, 2));
    append_number(out, id);
    return {};
}
Result<> write(const Puback& packet, std::string& out) {
    return write_packet_id_alone(PacketType::puback, 0, packet.packet_id, out);
}
Result<> write(const Unsuback& packet, std::string& out) {
    return write_packet_id_alone(PacketType::unsuback, 0, packet.packet_id, out);
}
Result<> write(const Qos2Step& packet, std::string& out) {
    if (packet.type < 5 || packet.type > 7) return refuse("a QoS 2 step has type 5, 6 or 7");
    return write_packet_id_alone(static_cast<PacketType>(packet.type), packet.type == 6 ? 2 : 0, packet.packet_id, out);
}

Result<> write(const Subscribe& subscribe, std::string& out) {
    SELVAGE_CHECK(check_packet_id(subscribe.packet_id));
    if (subscribe.filters.empty()) return refuse("no filter");
    std::size_t remaining = 2;
    for (const Filter& filter : subscribe.filters) {
        if (!is_valid_filter(filter.filter)) return refuse(fmt::format("'{}' is no topic filter", filter.filter));
        if (filter.qos > 2) return refuse("QoS is not 0, 1 or 2");
        remaining += 3 + filter.filter.size();
    }
    SELVAGE_CHECK(append_header(out, PacketType::subscribe, 2, remaining));
    append_number(out, subscribe.packet_id);
    for (const Filter& filter : subscribe.filters) {
        append_bytes(out, filter.filter);
        out += static_cast<char>(filter.qos);
    }
    return {};
}

Result<> write(const Suback& suback, std::string& out) {
    SELVAGE_CHECK(check_packet_id(suback.packet_id));
    if (suback.codes.empty()) return refuse("no return code");
    for (const auto code : suback.codes)
        if (code > 2 && code != 0x80) return refuse("a return code is not 0, 1, 2 or 0x80");
    SELVAGE_CHECK(append_header(out, PacketType::suback, 0, 2 + suback.codes.size()));
    append_number(out, suback.packet_id);
    for (const auto code : suback.codes) out += static_cast<char>(code);
    return {};
}

Result<> write(const Unsubscribe& unsubscribe, std::string& out) {
    SELVAGE_CHECK(check_packet_id(unsubscribe.packet_id));
    if (unsubscribe.filters.empty()) return refuse("no filter");
    std::size_t remaining = 2;
    for (const std::string& filter : unsubscribe.filters) {
        if (!is_valid_filter(filter)) return refuse(fmt::format("'{}' is no topic filter", filter));
        remaining += 2 + filter.size();
    }
    SELVAGE_CHECK(append_header(out, PacketType::unsubscribe, 2, remaining));
    append_number(out, unsubscribe.packet_id);
    for (const std::string& filter : unsubscribe.filters) append_bytes(out, filter);
    return {};
}

Result<> write(const Pingreq&, std::string& out) { return append_header(out, PacketType::pingreq, 0, 0); }
Result<> write(const Pingresp&, std::string& out) { return append_header(out, PacketType::pingresp, 0, 0); }
Result<> write(const Disconnect&, std::string& out) { return append_header(out, PacketType::disconnect, 0, 0); }

}  // namespace

Result<> encode(const Packet& packet, std::string& out) {
    return std::visit([&](const auto& one) { return write(one, out); }, packet);
}

}  // namespace selvage::codec::mqtt
