// Tokens on $cbs: docs/wire/amqp.md#cbs. The token itself says whose it is.
#include "async/deadline.h"
#include "base/log.h"
#include "codec/sas/sas_token.h"
#include "heads/amqp/connection.h"
#include "heads/amqp/error_map.h"

namespace selvage::heads::amqp {
namespace {

namespace wire = codec::amqp;

constexpr std::size_t kCbsMessageBytesMax = 16 * 1024;

}  // namespace

void AmqpConnection::attach_cbs(wire::LinkId link, const wire::LinkSpec& spec) {
    LinkEntry& entry = links_[link];
    wire::LinkAnswer answer{.message_bytes_max = kCbsMessageBytesMax, .sender_settles = spec.sender_settles, .receiver_settles = spec.receiver_settles};
    if (spec.direction == wire::Direction::incoming) {
        entry.is_cbs_request = true;
        engine_->accept(link, answer);
        top_up(link, entry);
    } else {
        answer.sender_settles = wire::SenderSettles::settled;
        if (cbs_answers_.id) detach(*cbs_answers_.id, replaced_link());
        cbs_answers_ = {link, {}};
        engine_->accept(link, answer);
    }
    touch();
}

void AmqpConnection::take_cbs_request(const wire::MessageArrived& event) {
    // Taken: what becomes of it says the answer.
    engine_->settle(event.delivery, wire::Outcome::accepted);
    const auto message = wire::decode_message(event.bytes);
    if (!message) return answer_cbs({}, fail(message.error()));
    const auto request = codec::hub_amqp::read_put_token(*message);
    if (!request) return answer_cbs(message->properties.message_id, fail(request.error()));
    const auto taken = request->is_put ? take_token(*request) : remove_token(request->token);
    // A device's token is answered when the hub has looked at it.
    if (!taken) answer_cbs(request->message_id, fail(taken.error()));
    else if (!request->is_put) answer_cbs(request->message_id, {});
}

Result<> AmqpConnection::take_token(const codec::hub_amqp::PutToken& request) {
    const auto token = codec::parse_sas_token(request.token);
    if (!token) return fail(Errc::unauthorized, token.error().detail);
    const auto audience = codec::parse_sas_audience(token->raw_resource);
    if (!audience) return fail(Errc::unauthorized, audience.error().detail);
    if (!audience->device.empty()) {
        const domain::Identity identity{audience->device, audience->module};
        if (!tokens_.contains(lane_of(identity)) && tokens_.size() + lanes_.size() >= settings_.tokens_max)
            return fail(Errc::quota_exceeded, "too many tokens on one connection");
        queue(identity, TokenRequest{request.message_id, identity, request.token});
        return {};
    }
    if (token->policy.empty()) return fail(Errc::unauthorized, "the token names no device");
    if (codec::is_expired(*token, time_.utc_now())) return fail(Errc::unauthorized, "the token has expired");
    // For all devices: nobody can say before an attach whether it is good for that one.
    policy_token_ = request.token;
    answer_cbs(request.message_id, {});
    return {};
}

Result<> AmqpConnection::remove_token(std::string_view name) {
    SELVAGE_TRY(const auto audience, codec::parse_sas_audience(name));
    if (audience.device.empty()) {
        policy_token_.clear();
        return {};
    }
    const std::string lane = lane_of({audience.device, audience.module});
    std::vector<std::shared_ptr<AmqpIdentity>> over;
    for (const auto& [identity, one] : identities_)
        if (lane_of(identity) == lane) over.push_back(one);
    tokens_.erase(lane);
    for (const auto& one : over) one->end(close_condition(hub_api::CloseReason::unauthorized));
    authentication_changed();
    return {};
}

Awaitable<> AmqpConnection::put_token(TokenRequest request) {
    const auto id = request.id;
    const auto identity = request.identity;
    const auto proven = co_await prove(std::move(request));
    if (ended_) co_return;
    if (!proven)
        log::warn("amqp.token", "refused device={} peer={} reason={}: {}", printable(domain::to_text(identity)), stream_->peer(),
                  name(proven.error().code), printable(proven.error().detail));
    answer_cbs(id, proven);
}

Awaitable<Result<>> AmqpConnection::prove(TokenRequest request) {
    const std::string lane = lane_of(request.identity);
    hub_api::Credentials credentials{.identity = request.identity, .sas_token = request.token, .certificate_chain_pem = {}, .auth_chain = {}};
    SELVAGE_CO_TRY(const auto grant, co_await async::with_deadline(time_, kHubTimeout, hub_.authenticate(std::move(credentials))));
    tokens_[lane] = {.text = std::move(request.token), .expires = grant.expires, .is_of_sasl = false};
    for (const auto& [identity, one] : identities_)
        if (lane_of(identity) == lane) one->renewed(grant.expires);
    authentication_changed();
    look_soon();
    co_return Result<>{};
}

void AmqpConnection::answer_cbs(const wire::MessageId& request, const Result<>& result) {
    const int status = result ? kTokenTaken : row_of(result.error().code).status;
    const std::string_view description = result ? std::string_view("OK") : name(result.error().code);
    if (!send_answer(cbs_answers_, codec::hub_amqp::write_cbs_answer(request, status, description)))
        close(too_many_waiting(), "the client does not take the answers about its tokens");
}

}  // namespace selvage::heads::amqp
