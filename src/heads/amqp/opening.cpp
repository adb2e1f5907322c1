// The first bytes: protocol header, SASL when it is asked for, and the peer's open. Until then a connection is a socket and
// one frame; the engine comes with the protocol header. docs/wire/amqp.md#opening.
#include "async/deadline.h"
#include "base/encoding.h"
#include "base/log.h"
#include "codec/sas/sas_token.h"
#include "heads/amqp/connection.h"

namespace selvage::heads::amqp {
namespace {

constexpr std::size_t kStrangersReadBytes = 4 * 1024;

}  // namespace

std::span<std::byte> first_read() { return net::read_buffer().first(kStrangersReadBytes); }

Awaitable<bool> AmqpConnection::open_protocol(std::string first, TimePoint deadline) {
    const auto opened = co_await async::with_deadline(time_, deadline - time_.now(), begin(std::move(first)));
    if (!opened) {
        // Port scans and health checks come and go like this.
        log::debug("amqp.open", "no connection peer={} reason={}", stream_->peer(), printable(opened.error().detail));
        end(opened.error().detail);
    }
    co_return opened.has_value() && !ended_;
}

Awaitable<Result<>> AmqpConnection::begin(std::string first) {
    SELVAGE_CO_TRY(const auto rest, co_await negotiate(std::move(first)));
    engine_ = std::make_unique<codec::amqp::Engine>(
        codec::amqp::Role::server,
        codec::amqp::EngineSettings{.container_id = "DeviceGateway_" + random_.guid(), .idle_time_out = settings_.idle_time_out});
    if (!is_authenticated()) stranger_since_ = time_.now();   // SASL may have named somebody
    apply_limits();
    engine_->receive(rest);
    handle_events();
    while (!opened_ && !ended_) SELVAGE_CO_CHECK(co_await read());
    co_return Result<>{};
}

Awaitable<Result<>> AmqpConnection::read() {
    const auto buffer = stranger_since_ ? first_read() : net::read_buffer();
    SELVAGE_CO_TRY(const auto count, co_await stream_->read_some(buffer));
    if (count == 0) co_return fail(Errc::connection_closed, "the client closed the connection");
    if (ended_) co_return Result<>{};
    engine_->receive(as_text(buffer.first(count)));
    handle_events();
    co_return Result<>{};
}

// Gives what belongs to the engine.
Awaitable<Result<std::string>> AmqpConnection::negotiate(std::string bytes) {
    using Step = codec::amqp::SaslServer::Step;
    codec::amqp::SaslServer sasl;
    while (true) {
        Step step = sasl.receive(bytes);
        if (step == Step::decide) {
            codec::amqp::SaslChoice choice = sasl.choice();
            const auto taken = co_await take_credentials(std::move(choice));
            if (!taken)
                log::warn("amqp.sasl", "refused peer={} reason={}: {}", stream_->peer(), selvage::name(taken.error().code), printable(taken.error().detail));
            step = taken ? sasl.accept() : sasl.refuse();
        }
        const std::string output = sasl.take_output();
        if (!output.empty()) SELVAGE_CO_CHECK(co_await stream_->write(output));
        if (step == Step::ready) co_return sasl.take_rest();
        if (step == Step::over) co_return fail(Errc::unauthorized, sasl.reason());
        SELVAGE_CO_TRY(const auto count, co_await stream_->read_some(first_read()));
        if (count == 0) co_return fail(Errc::connection_closed, "the client closed the connection");
        bytes = as_text(first_read().first(count));
    }
}

Awaitable<Result<>> AmqpConnection::take_credentials(codec::amqp::SaslChoice choice) {
    // The other mechanisms prove nothing by themselves: tokens on $cbs or the certificate of TLS do.
    if (choice.mechanism != codec::amqp::Mechanism::plain) co_return Result<>{};
    SELVAGE_CO_TRY(auto user, codec::hub_amqp::parse_sasl_user(choice.user, hub_.host_name()));
    const auto token = codec::parse_sas_token(choice.password);
    if (!token) co_return fail(Errc::unauthorized, token.error().detail);
    if (!user.policy.empty()) {
        if (token->policy != user.policy) co_return fail(Errc::unauthorized, "the token is of another policy than the user");
        if (codec::is_expired(*token, time_.utc_now())) co_return fail(Errc::unauthorized, "the token has expired");
        policy_token_ = std::move(choice.password);   // each attach proves it
        co_return Result<>{};
    }
    hub_api::Credentials credentials{.identity = user.identity, .sas_token = choice.password, .certificate_chain_pem = {}, .auth_chain = {}};
    SELVAGE_CO_TRY(const auto grant, co_await async::with_deadline(time_, kHubTimeout, hub_.authenticate(std::move(credentials))));
    tokens_[lane_of(user.identity)] = {.text = std::move(choice.password), .expires = grant.expires, .is_of_sasl = true};
    co_return Result<>{};
}

}  // namespace selvage::heads::amqp
