// MQTT 3.1.1 packets as values, and the two directions between them and bytes. No I/O, no clock, no state but the decoder's
// unfinished packet.
//
// Wire: OASIS MQTT 3.1.1; what the service narrows (no QoS 2, no retain) is the head's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace selvage::codec::mqtt {

struct Will {
    std::string topic;
    std::string payload;
    std::uint8_t qos = 0;
    bool retain = false;
    bool operator==(const Will&) const = default;
};

// With another protocol than MQTT level 4 only the first two members are set: the rest has a shape of its own there.
struct Connect {
    std::string protocol_name = "MQTT";
    std::uint8_t protocol_level = 4;
    bool clean_session = true;
    std::uint16_t keep_alive_seconds = 0;
    std::string client_id{};
    std::optional<Will> will{};
    std::optional<std::string> username{};
    std::optional<std::string> password{};
    bool operator==(const Connect&) const = default;
};
enum class ConnectCode : std::uint8_t {
    accepted = 0, bad_protocol = 1, id_rejected = 2, unavailable = 3, bad_credentials = 4, not_authorized = 5
};
struct Connack { bool session_present = false; ConnectCode code = ConnectCode::accepted; bool operator==(const Connack&) const = default; };
// topic and payload are views: into the decoder's input, valid until the next call to it; or, when encoding, the caller's.
struct Publish {
    std::string_view topic;
    std::string_view payload;
    std::uint16_t packet_id = 0;   // 0 with QoS 0
    std::uint8_t qos = 0;
    bool retain = false;
    bool dup = false;
    bool operator==(const Publish&) const = default;
};
struct Puback { std::uint16_t packet_id = 0; bool operator==(const Puback&) const = default; };
struct Filter { std::string filter; std::uint8_t qos = 0; bool operator==(const Filter&) const = default; };
struct Subscribe { std::uint16_t packet_id = 0; std::vector<Filter> filters; bool operator==(const Subscribe&) const = default; };
struct Suback { std::uint16_t packet_id = 0; std::vector<std::uint8_t> codes; bool operator==(const Suback&) const = default; };
struct Unsubscribe { std::uint16_t packet_id = 0; std::vector<std::string> filters; bool operator==(const Unsubscribe&) const = default; };
struct Unsuback { std::uint16_t packet_id = 0; bool operator==(const Unsuback&) const = default; };
// PUBREC, PUBREL, PUBCOMP: parsed so that they can be refused by name.
struct Qos2Step { std::uint8_t type = 5; std::uint16_t packet_id = 0; bool operator==(const Qos2Step&) const = default; };
struct Pingreq { bool operator==(const Pingreq&) const = default; };
struct Pingresp { bool operator==(const Pingresp&) const = default; };
struct Disconnect { bool operator==(const Disconnect&) const = default; };

using Packet = std::variant<Connect, Connack, Publish, Puback, Subscribe, Suback, Unsubscribe, Unsuback, Qos2Step, Pingreq,
                            Pingresp, Disconnect>;

struct Limits {
    std::size_t packet_bytes_max = 270'000;   // fixed header excluded; larger is refused before its bytes are kept
    std::size_t filters_max = 64;             // in one SUBSCRIBE or UNSUBSCRIBE
};

// Cuts a byte stream into packets. A packet that is whole in the bytes just fed is looked at where it lies; only one that
// came in pieces is put together here. Holds no memory between packets.
class Decoder {
public:
    explicit Decoder(Limits limits = {}) : limits_(limits) {}

    // Hands over bytes just read; they must stay put until next() has returned nothing, or keep() was called.
    void feed(std::string_view bytes);
    // The next whole packet; nothing: feed more. Errors: malformed (with what is wrong), message_too_large. After an error
    // the connection is to be closed.
    Result<std::optional<Packet>> next();
    // Copies what was fed and not yet looked at, so that the caller's buffer may be used for something else. Views of the
    // last packet end here.
    void keep();
    // From the next packet on.
    void set_limits(Limits limits) { limits_ = limits; }
    // Bytes held: at most one unfinished packet, and what keep() copied.
    std::size_t held_bytes() const { return held_.size() - held_at_; }

private:
    Result<std::optional<Packet>> next_held();

    Limits limits_;
    std::string held_;            // bytes of our own; those before held_at_ have been looked at
    std::size_t held_at_ = 0;
    std::string_view fed_;        // the caller's bytes, behind held_ in the stream
};

// Appends the bytes of a packet to `out`; on error `out` is as before. Errors: invalid_argument for whatever the decoder
// would refuse (text over 65,535 bytes, a wildcard in a topic, packet id 0, and the like).
Result<> encode(const Packet& packet, std::string& out);

// MQTT 3.1.1 section 4.7: does `topic` match `filter`? Topics starting with '$' do not match filters starting with a wildcard.
bool matches(std::string_view filter, std::string_view topic);
bool is_valid_filter(std::string_view filter);

}  // namespace selvage::codec::mqtt
