// What outlives a connection: state, waiting twin requests, the loop that connects again. Private to this folder.
#pragma once

#include <map>

#include "async/event.h"
#include "async/task_group.h"
#include "codec/hub_mqtt/hub_mqtt.h"
#include "device_client/backoff.h"
#include "device_client/connection.h"
#include "device_client/device_client.h"

namespace selvage::device_client {

inline constexpr std::chrono::seconds kDialTimeout{30};
inline constexpr std::chrono::seconds kOpenTimeout{30};
inline constexpr std::chrono::seconds kTokenTimeout{30};
inline constexpr std::chrono::seconds kTwinTimeout{30};
inline constexpr std::chrono::seconds kDrainTimeout{10};
inline constexpr std::chrono::seconds kFirstWait{1};
inline constexpr std::chrono::seconds kStable{30};         // a connection that lived this long was no failure
inline constexpr std::size_t kTwinRequestsMax = 64;
inline constexpr std::size_t kMethodsMax = 32;

struct Login {
    std::string token;
    TimePoint renew_at{};
};

// The answer to one twin request, on its way.
struct TwinReply {
    explicit TwinReply(async::Executor loop) : arrived(std::move(loop)) {}
    async::Event arrived;
    Result<codec::hub_mqtt::TwinAnswer> answer = fail(Errc::connection_closed, "the connection was lost");
    std::string body;
};

struct DeviceClient::Impl {
    Impl(async::Executor executor, async::TimeSource& time_source, Random& dice, net::Dialer& net_dialer, TokenSource& token_source,
         ClientSettings client_settings, Handlers client_handlers);

    // ---- life_cycle.cpp ----
    Awaitable<> run();
    // One connection, from token to loss; the error says why it ended. `renewing` is set when it ended for a new token.
    Awaitable<Error> connect_and_live();
    // From CONNECT on; the connection is still to be stopped.
    Awaitable<Error> serve(Login login);
    Awaitable<Result<Login>> get_login();
    Awaitable<Error> live(TimePoint renew_at);
    void set_state(LinkState next, const Error* why);
    void update_room();
    bool has_room() const;

    // ---- hub_traffic.cpp ----
    class Registered;
    void on_publish(const codec::mqtt::Publish& publish);
    void on_twin_answer(const codec::hub_mqtt::TwinAnswer& answer, std::string_view body);
    void on_method_call(const codec::hub_mqtt::MethodCall& call, std::string_view payload);
    void on_message(domain::Message message, const codec::mqtt::Publish& publish);
    Awaitable<> answer_method(std::weak_ptr<Connection> asked_on, std::string request_id, domain::MethodRequest request);
    // Asks and waits, with no limit of its own. `self` keeps this object while the caller waits.
    static Awaitable<Result<std::shared_ptr<TwinReply>>> ask_twin(std::shared_ptr<Impl> self, bool patch, std::string body);
    void drop_twin_requests();

    async::Executor loop;
    async::TimeSource& time;
    Random& random;
    net::Dialer& dialer;
    TokenSource& tokens;
    const ClientSettings settings;
    const Handlers handlers;

    LinkState state = LinkState::connecting;
    std::shared_ptr<Connection> connection;      // null between connections
    bool renewing = false;                       // the connection is being given up for a new token
    bool stopping = false;
    std::optional<Login> next_login;             // fetched for a renewal
    Backoff backoff{kFirstWait, settings.reconnect_max};
    async::Event settled;                        // connected or stopped
    async::Event room;                           // has_room(), or stopped
    std::map<std::string, std::shared_ptr<TwinReply>, std::less<>> twin_requests;
    std::uint64_t last_request = 0;
    std::size_t methods_running = 0;
    async::TaskGroup tasks;
};

}  // namespace selvage::device_client
