// CONNECT to CONNACK: who is there, may they, and what did they leave behind. docs/wire/mqtt.md#connack.
#include "async/deadline.h"
#include "base/encoding.h"
#include "base/log.h"
#include "heads/mqtt/connection.h"
#include "heads/mqtt/error_map.h"

namespace selvage::heads::mqtt {
namespace {

using codec::mqtt::Connack;
using codec::mqtt::Connect;
using codec::mqtt::ConnectCode;

constexpr std::chrono::seconds kRefusalTimeout{10};
constexpr std::string_view kProtocolName = "MQTT";   // MQTT 3.1.1 section 3.1.2
constexpr std::uint8_t kProtocolLevel = 4;

}  // namespace

Awaitable<bool> MqttConnection::connect(std::unique_ptr<Opening> opening) {
    Connect& packet = opening->connect;
    if (packet.protocol_name != kProtocolName || packet.protocol_level != kProtocolLevel) {
        co_await refuse(ConnectCode::bad_protocol, {Errc::unsupported, "only MQTT 3.1.1 is spoken here"});
        co_return false;
    }
    const auto present = co_await async::with_deadline(time_, kHubTimeout, let_in(std::move(packet)));
    if (!present) {
        co_await refuse(row_of(present.error().code).connect_code, present.error());
        co_return false;
    }
    if (ended_) co_return false;
    log::info("mqtt.open", "device={} protocol={} peer={}", domain::to_text(identity_), settings_->protocol, stream_->peer());
    SELVAGE_ASSERT(send(Connack{*present, ConnectCode::accepted}));
    co_return !ended_;
}

// Whether the client has a session from before. Errors carry the subject for the log; the client learns the return code only.
Awaitable<Result<bool>> MqttConnection::let_in(Connect packet) {
    SELVAGE_CO_CHECK(co_await open_session(std::move(packet)));
    co_return co_await load_session();
}

Awaitable<Result<>> MqttConnection::open_session(Connect packet) {
    if (!packet.username) co_return fail(Errc::malformed, "CONNECT has no user name");
    SELVAGE_CO_TRY(auto name, codec::hub_mqtt::parse_user_name(*packet.username));
    identity_ = name.identity;
    if (packet.client_id != domain::to_text(identity_))
        co_return fail(Errc::unauthorized, fmt::format("the client id '{}' is not that of the user name", packet.client_id));
    if (packet.will) {
        SELVAGE_CO_CHECK(check_will(*packet.will));
        will_ = std::make_unique<codec::mqtt::Will>(*std::move(packet.will));
    }
    clean_session_ = packet.clean_session;
    const std::chrono::milliseconds asked(packet.keep_alive_seconds * 1500);   // 1.5 times: MQTT-3.1.2-24
    const std::chrono::milliseconds most(settings_->keep_alive_max);
    keep_alive_ = asked.count() == 0 ? most : std::min(asked, most);

    hub_api::Credentials credentials{.identity = identity_, .sas_token = packet.password.value_or(""),
                                     .certificate_chain_pem = {}, .auth_chain = name.auth_chain};
    if (credentials.sas_token.empty()) credentials.certificate_chain_pem = stream_->peer_certificates();
    SELVAGE_CO_TRY(auto grant, co_await hub_.authenticate(std::move(credentials)));
    expires_ = grant.expires;
    hub_api::ConnectionInfo info{.protocol = settings_->protocol, .remote_address = stream_->peer(),
                                 .product_info = std::move(name.product_info), .model_id = std::move(name.model_id)};
    SELVAGE_CO_TRY(session_, co_await hub_.open(std::move(grant), std::move(info), weak_from_this()));
    co_return Result<>{};
}

Result<> MqttConnection::check_will(const codec::mqtt::Will& will) const {
    if (will.qos > 1) return fail(Errc::unauthorized, "the will has QoS 2");
    const auto topic = codec::hub_mqtt::parse_client_topic(will.topic);
    const auto* telemetry = topic ? std::get_if<codec::hub_mqtt::Telemetry>(&*topic) : nullptr;
    if (telemetry == nullptr || telemetry->identity != identity_)
        return fail(Errc::unauthorized, "the will is not for the client's own telemetry topic");
    return {};
}

Awaitable<Result<bool>> MqttConnection::load_session() {
    if (clean_session_) {
        SELVAGE_CO_CHECK(co_await hub_.forget_filters(identity_));
        co_return false;
    }
    SELVAGE_CO_TRY(auto stored, co_await hub_.load_filters(identity_));
    if (!stored) {
        SELVAGE_CO_CHECK(co_await hub_.save_filters(identity_, {}));
        co_return false;
    }
    stored_filters_ = *std::move(stored);
    co_return true;
}

Awaitable<> MqttConnection::refuse(ConnectCode code, Error why) {
    log::warn("mqtt.connect", "refused device={} peer={} code={} reason={}: {}", printable(domain::to_text(identity_)),
              stream_->peer(), static_cast<int>(code), name(why.code), printable(why.detail));
    std::string bytes;
    ignore(codec::mqtt::encode(Connack{false, code}, bytes), "a constant that encodes");
    ignore(co_await async::with_deadline(time_, kRefusalTimeout, stream_->write(bytes)), "the connection is closed next");
    end("refused");
}

}  // namespace selvage::heads::mqtt
