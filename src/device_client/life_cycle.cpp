// Connect, live, lose, wait, again. The only task that makes and drops connections is run(); everyone else looks at `state`.
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include "async/deadline.h"
#include "base/encoding.h"
#include "base/log.h"
#include "device_client/client_impl.h"

namespace selvage::device_client {
namespace {

using codec::hub_mqtt::FilterKind;

// Wire: docs/wire/device-client.md#connect.
constexpr const char* kApiVersion = "2021-04-12";

// "hub/devices/d[/modules/m]", ids percent-encoded. Wire: docs/wire/sas.md.
std::string resource_of(const std::string& host, const domain::Identity& identity) {
    auto resource = host + "/devices/" + percent_encode(identity.device);
    if (identity.is_module()) resource += "/modules/" + percent_encode(identity.module);
    return resource;
}

codec::mqtt::Connect connect_packet(const ClientSettings& settings, std::string token) {
    const codec::hub_mqtt::UserName user{.host = settings.hub_host,
                                         .identity = settings.identity,
                                         .api_version = kApiVersion,
                                         .product_info = settings.product_info,
                                         .model_id = settings.model_id,
                                         .auth_chain = settings.auth_chain};
    codec::mqtt::Connect connect;
    connect.clean_session = settings.clean_session;
    connect.keep_alive_seconds = static_cast<std::uint16_t>(std::min<std::int64_t>(settings.keep_alive.count(), 65'535));
    connect.client_id = domain::to_text(settings.identity);
    connect.username = format_user_name(user);
    connect.password = std::move(token);
    return connect;
}

// Answers and notifications are worth one delivery; messages are acknowledged.
std::vector<codec::mqtt::Filter> filters_of(const ClientSettings& settings, const Handlers& handlers) {
    std::vector<codec::mqtt::Filter> filters;
    const auto add = [&](FilterKind kind, std::uint8_t qos) {
        filters.push_back({codec::hub_mqtt::filter_for(kind, settings.identity), qos});
    };
    add(FilterKind::twin_answers, 0);
    if (handlers.on_desired) add(FilterKind::desired, 0);
    if (handlers.on_method) add(FilterKind::methods, 0);
    if (handlers.on_message) add(settings.identity.is_module() ? FilterKind::inputs : FilterKind::c2d, 1);
    return filters;
}

}  // namespace

bool DeviceClient::Impl::has_room() const {
    return state == LinkState::connected && !renewing && !stopping && connection && connection->window_is_open();
}

void DeviceClient::Impl::update_room() {
    if (has_room() || state == LinkState::stopped)
        room.set();
    else
        room.reset();
}

void DeviceClient::Impl::set_state(LinkState next, const Error* why) {
    if (state == next || state == LinkState::stopped) return;
    state = next;
    if (next == LinkState::connecting)
        settled.reset();
    else
        settled.set();
    update_room();
    if (handlers.on_state) handlers.on_state(next, why);
}

Awaitable<> DeviceClient::Impl::run() {
    // A cancelled wait shows in tasks.stopping(), not as an exception: a connection must still be taken down in order.
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    while (!tasks.stopping()) {
        Error why;
        try {
            why = co_await connect_and_live();
        } catch (const std::exception& e) {
            why = {Errc::internal, e.what()};
        }
        if (tasks.stopping() || stopping) co_return;
        if (std::exchange(renewing, false)) {
            log::debug("mqtt.client", "renewing the token identity={}", domain::to_text(settings.identity));
            continue;
        }
        const auto wait = backoff.next(random);
        log::warn("mqtt.client", "not connected identity={} host={} reason={}: {} retry_in_ms={}",
                  domain::to_text(settings.identity), settings.target.host, name(why.code), why.detail,
                  std::chrono::duration_cast<std::chrono::milliseconds>(wait).count());
        ignore(co_await time.sleep_for(wait), "a stop is seen by the loop");
    }
}

Awaitable<Result<Login>> DeviceClient::Impl::get_login() {
    // One that was fetched for a renewal, unless the hub was away for so long since that it is old itself.
    if (const auto fetched = std::exchange(next_login, std::nullopt); fetched && time.now() < fetched->renew_at) {
        Login login = *fetched;
        co_return login;
    }
    const auto identity = settings.token_identity.value_or(settings.identity);
    const auto renew_at = time.now() + Duration(settings.token_lifetime) * 4 / 5;
    auto asked = tokens.token(resource_of(settings.hub_host, identity), time.utc_now() + settings.token_lifetime);
    auto token = co_await async::with_deadline(time, kTokenTimeout, std::move(asked));
    if (!token) co_return fail(token.error().in("token"));
    co_return Login{*std::move(token), renew_at};
}

Awaitable<Error> DeviceClient::Impl::connect_and_live() {
    // A token only for a hub that is there: a device that is offline for long must not have one signed for each try.
    auto stream = co_await dialer.dial(settings.target, kDialTimeout);
    if (!stream) co_return stream.error();
    auto login = tasks.stopping() ? Result<Login>(fail(Errc::cancelled, "stopped")) : co_await get_login();
    if (!login || tasks.stopping()) {
        (*stream)->close();
        co_return login ? Error{Errc::cancelled, "stopped"} : login.error();
    }

    const ConnectionLimits limits{settings.window, settings.window_bytes, settings.keep_alive};
    Connection::Hooks hooks{[this](const codec::mqtt::Publish& publish) { on_publish(publish); }, [this] { update_room(); }};
    connection = std::make_shared<Connection>(loop, time, *std::move(stream), limits, std::move(hooks));
    Error why;
    try {
        why = co_await serve(*std::move(login));
    } catch (const std::exception& e) {
        why = {Errc::internal, e.what()};
    }

    // Nothing may be sent from here on; then the losses are told, then the state.
    const auto ended = std::exchange(connection, nullptr);
    update_room();
    co_await ended->stop();
    // A group's stop() turns cancellation off for the coroutine that called it.
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::enable_total_cancellation());
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    drop_twin_requests();
    if (!stopping) set_state(LinkState::connecting, &why);
    co_return why;
}

Awaitable<Error> DeviceClient::Impl::serve(Login login) {
    auto opened = co_await connection->open(connect_packet(settings, std::move(login.token)),
                                            filters_of(settings, handlers), kOpenTimeout);
    if (!opened) co_return opened.error();
    if (tasks.stopping()) co_return Error{Errc::cancelled, "stopped"};
    log::info("mqtt.client", "connected identity={} host={}", domain::to_text(settings.identity), settings.target.host);
    const auto since = time.now();
    set_state(LinkState::connected, nullptr);
    auto why = co_await live(login.renew_at);
    if (time.now() - since >= kStable) backoff.reset();
    co_return why;
}

Awaitable<Error> DeviceClient::Impl::live(TimePoint renew_at) {
    const auto current = connection;
    for (;;) {
        // A stop cancels the wait that is under way; one that came between two waits shows only here.
        if (tasks.stopping()) co_return Error{Errc::cancelled, "stopped"};
        if (time.now() < renew_at)
            co_await async::run_for(time, renew_at - time.now(), current->over());
        if (current->is_over()) co_return current->why();
        if (tasks.stopping()) co_return Error{Errc::cancelled, "stopped"};
        if (time.now() < renew_at) continue;

        auto login = co_await get_login();
        if (current->is_over()) co_return current->why();
        if (!login) {
            renew_at = time.now() + std::max<Duration>(Duration(settings.token_lifetime) / 20, kFirstWait);
            log::warn("mqtt.client", "no new token yet identity={} reason={}", domain::to_text(settings.identity),
                      login.error().detail);
            continue;
        }
        next_login = *std::move(login);
        renewing = true;
        update_room();
        co_await current->drain(kDrainTimeout);
        co_await current->say_goodbye();
        co_return Error{Errc::connection_closed, "the token is renewed"};
    }
}

}  // namespace selvage::device_client
