// Requests that wait for the hub. Those of one identity run one after the other, so that a token is proven before the attach
// behind it and patches of a twin apply as they were sent; those of different identities do not wait for each other.
#include "async/deadline.h"
#include "base/log.h"
#include "heads/amqp/connection.h"
#include "heads/amqp/error_map.h"

namespace selvage::heads::amqp {
namespace {

namespace wire = codec::amqp;

std::string property(const wire::LinkSpec& spec, std::string_view name) {
    for (const auto& [key, value] : spec.properties)
        if (key == name) return value;
    return {};
}

// docs/wire/amqp.md#links
std::string pairing_of(const wire::LinkSpec& spec) {
    const std::string value = property(spec, "com.microsoft:channel-correlation-id");
    const auto colon = value.find(':');
    return colon == std::string::npos ? std::string() : value.substr(colon + 1);
}

// "leaf;edge1;edge2": the last one acts, by its edge hub.
std::optional<domain::Identity> actor_of(const std::string& chain) {
    if (chain.empty()) return std::nullopt;
    const auto last = chain.rfind(';');
    return domain::Identity::of_module(std::string_view(chain).substr(last == std::string::npos ? 0 : last + 1), domain::kEdgeHubModule);
}

}  // namespace

void AmqpConnection::queue(const domain::Identity& identity, AmqpRequest request) {
    const std::string key = lane_of(identity);
    const auto [lane, is_new] = lanes_.try_emplace(key);
    lane->second.push_back(std::move(request));
    ++requests_waiting_;
    if (is_new) tasks_.spawn("amqp requests", run_lane(key));
}

Awaitable<> AmqpConnection::run_lane(std::string key) {
    while (!ended_ && !lanes_[key].empty()) {
        AmqpRequest request = std::move(lanes_[key].front());
        lanes_[key].pop_front();
        if (auto* token = std::get_if<TokenRequest>(&request)) {
            co_await put_token(std::move(*token));
        } else if (auto* attaching = std::get_if<AttachRequest>(&request)) {
            co_await attach(std::move(*attaching));
        } else if (auto* call = std::get_if<TwinCall>(&request)) {
            const auto found = identities_.find(call->identity);
            const auto identity = found == identities_.end() ? nullptr : found->second;
            if (identity) co_await identity->run(std::move(*call));
        } else if (auto* off = std::get_if<FeedOff>(&request)) {
            const auto found = identities_.find(off->identity);
            const auto identity = found == identities_.end() ? nullptr : found->second;
            if (identity) co_await identity->run(std::move(*off));
        }
        --requests_waiting_;
        wake_reader();
    }
    lanes_.erase(key);
}

Awaitable<> AmqpConnection::attach(AttachRequest request) {
    if (!links_.contains(request.link)) co_return;
    const auto found = identities_.find(request.identity);
    const auto identity = found == identities_.end() ? std::make_shared<AmqpIdentity>(*this, request.identity) : found->second;
    const std::string address = codec::hub_amqp::path_of(request.identity);
    if (!identity->is_open()) {
        const auto opened = co_await open_session(identity, request.spec);
        if (ended_) co_return;
        if (!opened) {
            if (links_.contains(request.link)) refuse(request.link, opened.error(), address);
            co_return;
        }
        identities_[request.identity] = identity;
        authentication_changed();
    }
    identity->begin_attach();
    const auto added = co_await identity->add_link(request.link, request.kind, pairing_of(request.spec));
    identity->end_attach();
    if (ended_) co_return;
    const auto entry = links_.find(request.link);
    if (!added || entry == links_.end()) {
        // Refused by the hub, or gone while we waited.
        if (entry != links_.end()) refuse(request.link, added.error(), address);
        identity->remove_link(request.link);
        end_if_unused(identity);
        co_return;
    }
    entry->second.owner = identity;
    engine_->accept(request.link, answer_to(request.spec, request.kind));
    // Credit may have come in one flight with the attach.
    if (request.spec.direction == wire::Direction::incoming) top_up(request.link, entry->second);
    else identity->credit_changed({request.link, engine_->credit(request.link), false});
    log::debug("amqp.attach", "device={} kind={} link={}", domain::to_text(request.identity), static_cast<int>(request.kind), printable(request.spec.name));
    touch();
}

Awaitable<Result<>> AmqpConnection::open_session(std::shared_ptr<AmqpIdentity> identity, const wire::LinkSpec& spec) {
    hub_api::Credentials credentials = credentials_for(identity->name(), property(spec, "com.microsoft:auth-chain"));
    if (credentials.sas_token.empty() && credentials.certificate_chain_pem.empty())
        co_return fail(Errc::unauthorized, "neither a token on $cbs nor a certificate was presented");
    hub_api::ConnectionInfo info{.protocol = protocol_,
                                 .remote_address = stream_->peer(),
                                 .product_info = property(spec, "com.microsoft:client-version"),
                                 .model_id = property(spec, "com.microsoft:model-id")};
    SELVAGE_CO_TRY(auto grant, co_await async::with_deadline(time_, kHubTimeout, hub_.authenticate(std::move(credentials))));
    const auto expires = grant.expires;
    SELVAGE_CO_TRY(auto session, co_await async::with_deadline(time_, kHubTimeout, hub_.open(std::move(grant), std::move(info), identity)));
    identity->opened(std::move(session), expires);
    look_soon();
    log::info("amqp.open", "device={} peer={}", domain::to_text(identity->name()), stream_->peer());
    co_return Result<>{};
}

hub_api::Credentials AmqpConnection::credentials_for(const domain::Identity& identity, const std::string& auth_chain) const {
    hub_api::Credentials credentials{.identity = identity, .sas_token = {}, .certificate_chain_pem = {}, .auth_chain = auth_chain};
    const auto actor = actor_of(auth_chain);
    auto token = tokens_.find(lane_of(actor.value_or(identity)));
    if (token != tokens_.end()) credentials.sas_token = token->second.text;
    else if (!policy_token_.empty()) credentials.sas_token = policy_token_;
    else credentials.certificate_chain_pem = stream_->peer_certificates();
    return credentials;
}

wire::LinkAnswer AmqpConnection::answer_to(const wire::LinkSpec& spec, LinkKind kind) const {
    wire::LinkAnswer answer{.message_bytes_max = settings_.message_bytes_max, .sender_settles = spec.sender_settles, .receiver_settles = spec.receiver_settles};
    if (spec.message_bytes_max > 0 && spec.message_bytes_max < answer.message_bytes_max && spec.direction == wire::Direction::incoming)
        answer.message_bytes_max = spec.message_bytes_max;
    if (kind == LinkKind::inputs || kind == LinkKind::c2d) answer.sender_settles = wire::SenderSettles::unsettled;
    if (kind == LinkKind::twin_answers || kind == LinkKind::method_calls) answer.sender_settles = wire::SenderSettles::settled;
    return answer;
}

}  // namespace selvage::heads::amqp
