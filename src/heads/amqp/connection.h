// One AMQP connection, from its first byte to its end. Private to the room.
//
// Owns the stream, the protocol's engine, the tokens that were proven on it, and one AmqpIdentity for each identity that
// has links here. Coroutines: run() itself reads; a watchdog sleeps; writing has a coroutine while there is something to
// write, and each identity has one while it waits for the hub (its lane: one request after the other, in order).
// Runs on: the hub's loop. Any part may call end(); run() then cleans up.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "async/event.h"
#include "async/task_group.h"
#include "async/time_source.h"
#include "base/random.h"
#include "codec/amqp/engine.h"
#include "codec/amqp/sasl.h"
#include "codec/hub_amqp/hub_amqp.h"
#include "heads/amqp/amqp_head.h"
#include "heads/amqp/identity.h"
#include "hub_api/hub.h"
#include "net/stream.h"

namespace selvage::heads::amqp {

using async::Awaitable;

// How long the hub may take for a call that a client waits for.
inline constexpr std::chrono::seconds kHubTimeout{60};

class AmqpConnection final : public std::enable_shared_from_this<AmqpConnection> {
public:
    AmqpConnection(async::Executor loop, std::shared_ptr<net::Stream> stream, hub_api::Hub& hub, async::TimeSource& time,
                   Random& random, AmqpSettings settings, std::string protocol);

    // Once; returns when nothing of the connection is left running. `first`: what the peer has said so far. It has until
    // `deadline` to say its open.
    Awaitable<> run(std::string first, TimePoint deadline);

    // ---- for AmqpIdentity ----
    codec::amqp::Engine& engine() { return *engine_; }
    const AmqpSettings& settings() const { return settings_; }
    Random& random() { return random_; }
    async::TimeSource& time() { return time_; }
    // Something may be to write: it goes out at the end of this turn.
    void touch();
    bool has_ended() const { return ended_; }
    // Sends on a link whose messages need no outcome, as its credit allows. False: too many wait already.
    bool send_answer(AnswerLink& link, std::string bytes);
    void send_waiting(AnswerLink& link);
    // Ends a link from this side.
    void detach(codec::amqp::LinkId link, const codec::amqp::Condition& why);
    void take_transfer(std::size_t bytes);
    void transfer_done(codec::amqp::DeliveryId delivery, std::size_t bytes, const std::optional<Error>& error);
    void queue(const domain::Identity& identity, AmqpRequest request);
    // Destroyed at the end of this turn: the hub may be calling through it right now.
    void retire(std::unique_ptr<hub_api::DeviceSession> session);
    void forget_token(const domain::Identity& identity);
    // The identity has ended: a link that comes now makes a new one.
    void drop(const AmqpIdentity& identity);

private:
    struct ProvenToken {
        std::string text;                    // secret
        std::optional<UtcTime> expires;
        bool is_of_sasl = false;             // then the connection goes with it
    };
    // What a link is for. Without an owner: one of $cbs, or its attach is still under way.
    struct LinkEntry {
        std::shared_ptr<AmqpIdentity> owner;
        bool is_cbs_request = false;
        std::uint32_t credit = 0;            // granted and not used
    };

    // connection.cpp
    Awaitable<> serve();
    Awaitable<> finish();
    Awaitable<> wait_for_room();
    bool inbound_full() const;
    void wake_reader();
    // Drops the connection; the first reason stays. Safe anywhere, any number of times.
    void end(std::string reason);
    // Says why on the wire first.
    void close(const codec::amqp::Condition& why, std::string reason);
    bool is_authenticated() const { return !tokens_.empty() || !policy_token_.empty() || !identities_.empty(); }
    void authentication_changed();
    void apply_limits();
    void end_if_unused(const std::shared_ptr<AmqpIdentity>& identity);

    // opening.cpp
    Awaitable<bool> open_protocol(std::string first, TimePoint deadline);
    Awaitable<Result<>> begin(std::string first);
    Awaitable<Result<std::string>> negotiate(std::string bytes);
    Awaitable<Result<>> read();
    Awaitable<Result<>> take_credentials(codec::amqp::SaslChoice choice);

    // links.cpp
    void handle_events();
    void handle(codec::amqp::ConnectionOpened& event);
    void handle(codec::amqp::LinkAttached& event);
    void handle(codec::amqp::LinkDetached& event);
    void handle(codec::amqp::MessageArrived& event);
    void handle(codec::amqp::CreditChanged& event);
    void handle(codec::amqp::OutcomeKnown& event);
    void handle(codec::amqp::ConnectionClosed& event);
    void top_up(codec::amqp::LinkId link, LinkEntry& entry);
    void refuse(codec::amqp::LinkId link, const Error& why, const std::string& address);

    // attach.cpp
    Awaitable<> run_lane(std::string key);
    Awaitable<> attach(AttachRequest request);
    Awaitable<Result<>> open_session(std::shared_ptr<AmqpIdentity> identity, const codec::amqp::LinkSpec& spec);
    hub_api::Credentials credentials_for(const domain::Identity& identity, const std::string& auth_chain) const;
    codec::amqp::LinkAnswer answer_to(const codec::amqp::LinkSpec& spec, LinkKind kind) const;

    // tokens.cpp
    void attach_cbs(codec::amqp::LinkId link, const codec::amqp::LinkSpec& spec);
    void take_cbs_request(const codec::amqp::MessageArrived& event);
    Awaitable<> put_token(TokenRequest request);
    Awaitable<Result<>> prove(TokenRequest request);
    Result<> take_token(const codec::hub_amqp::PutToken& request);
    Result<> remove_token(std::string_view audience);
    void answer_cbs(const codec::amqp::MessageId& request, const Result<>& result);

    // output.cpp
    Awaitable<> flush();
    // Before an end that cannot wait for a write.
    void say_last_words();

    // watchdog.cpp
    Awaitable<> watch();
    std::optional<TimePoint> drop_expired(TimePoint now);
    // A token has come that may end before the watchdog looks again.
    void look_soon();

    async::Executor loop_;
    std::shared_ptr<net::Stream> stream_;
    hub_api::Hub& hub_;
    async::TimeSource& time_;
    Random& random_;
    AmqpSettings settings_;
    std::string protocol_;
    async::TaskGroup tasks_;

    std::unique_ptr<codec::amqp::Engine> engine_;     // from the protocol header on
    std::unordered_map<codec::amqp::LinkId, LinkEntry> links_;
    AnswerLink cbs_answers_;
    std::unordered_map<std::string, ProvenToken> tokens_;   // by lane_of(identity)
    std::string policy_token_;                         // secret; for any identity, proven at each attach
    std::map<domain::Identity, std::shared_ptr<AmqpIdentity>> identities_;
    std::map<std::string, std::deque<AmqpRequest>> lanes_;   // by lane_of(identity); each with its coroutine
    std::size_t requests_waiting_ = 0;
    std::vector<std::unique_ptr<hub_api::DeviceSession>> retired_;
    std::optional<TimePoint> stranger_since_;          // nothing while somebody is authenticated
    bool opened_ = false;                              // the peer has sent its open

    std::size_t inbound_unacked_ = 0;
    std::size_t inbound_unacked_bytes_ = 0;
    std::unique_ptr<async::Event> room_;               // while reading pauses
    std::unique_ptr<async::Event> look_;               // while the watchdog runs

    bool flushing_ = false;
    TimePoint flush_began_{};
    bool closing_ = false;                             // the engine has said close
    bool ended_ = false;
    std::string end_reason_;
};

// Requests of one identity wait in one lane. Tokens may come with ids in other case than links, so case is no part of it.
std::string lane_of(const domain::Identity& identity);

// Where strangers' bytes are read into: a part of the thread's buffer.
std::span<std::byte> first_read();

// For log lines: what a peer sent, without control characters and not endless.
std::string printable(std::string_view text);

}  // namespace selvage::heads::amqp
