// One AMQP 1.0 connection as a plain object: bytes and calls in, events and bytes out. Behind it is qpid-proton's engine.
//
// Everything it hands out is a value; links and deliveries go by numbers that are never used twice, and a number of
// something that is gone is ignored. Bounded: frames, sessions, links, and the bytes of messages that have not arrived
// whole. It sits behind SASL (sasl.h). Runs on: one thread at a time. Wire: docs/wire/amqp.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"

namespace selvage::codec::amqp {

enum class LinkId : std::uint32_t {};
enum class SessionId : std::uint32_t {};
enum class DeliveryId : std::uint64_t {};

// An error as peers tell it: "amqp:not-found" and a sentence. No name: no error.
struct Condition {
    std::string name;
    std::string description;
    bool operator==(const Condition&) const = default;
};

enum class Direction : std::uint8_t { incoming, outgoing };          // of messages, seen from this side
enum class SenderSettles : std::uint8_t { unsettled = 0, settled = 1, mixed = 2 };
enum class ReceiverSettles : std::uint8_t { first = 0, second = 1 };
enum class Outcome : std::uint8_t { none, accepted, rejected, released, modified, undeliverable };

struct LinkSpec {
    std::string name;
    Direction direction = Direction::incoming;
    std::optional<std::string> source;              // addresses; nothing: no terminus
    std::optional<std::string> target;
    SenderSettles sender_settles = SenderSettles::mixed;
    ReceiverSettles receiver_settles = ReceiverSettles::first;
    std::uint64_t message_bytes_max = 0;            // 0: none stated
    std::vector<std::pair<std::string, std::string>> properties{};   // those with text values
};

struct ConnectionOpened {
    std::string container_id;
    std::string host_name;
    std::chrono::milliseconds idle_time_out{0};     // 0: none
};
// The peer attached a link, or (client) answered an attach of ours.
struct LinkAttached {
    LinkId link;
    LinkSpec spec;
};
// The peer detached it, or ended its session. It is gone.
struct LinkDetached {
    LinkId link;
    Condition error;
};
// A whole message. With `settled` there is nothing left to say about it.
struct MessageArrived {
    LinkId link;
    DeliveryId delivery;
    std::uint32_t format = 0;
    bool settled = false;
    std::string bytes;
};
// The peer may take `credit` more messages; `drain`: send what there is, then say drained().
struct CreditChanged {
    LinkId link;
    std::uint32_t credit = 0;
    bool drain = false;
};
// What became of a message of ours. Not `settled`: the peer waits for settle().
struct OutcomeKnown {
    LinkId link;
    DeliveryId delivery;
    Outcome outcome = Outcome::none;
    bool settled = false;
    Condition error;
};
// Nothing more will come: the peer closed, or broke the protocol.
struct ConnectionClosed {
    Condition error;
    bool by_peer = false;
};
using Event = std::variant<ConnectionOpened, LinkAttached, LinkDetached, MessageArrived, CreditChanged, OutcomeKnown, ConnectionClosed>;

enum class Role { server, client };

struct EngineSettings {
    std::string container_id{};
    std::string host_name{};                               // client: whom it means to talk to
    std::uint32_t frame_bytes_max = 65536;
    std::uint16_t channel_max = 1023;
    std::chrono::milliseconds idle_time_out{240'000};    // as told to the peer; it is given up after twice that
};

// What a peer may have open at one time.
struct PeerLimits {
    std::size_t sessions_max = 16;
    std::size_t links_max = 64;
    std::size_t frame_bytes_max = 65536;                 // not over that of the settings, which the peer was told
    std::size_t partial_bytes_max = 4 << 20;             // of all messages that have not arrived whole
};

struct LinkAnswer {
    std::uint64_t message_bytes_max = 0;                 // longer ones detach the link
    SenderSettles sender_settles = SenderSettles::mixed;
    ReceiverSettles receiver_settles = ReceiverSettles::first;
};

class Engine {
public:
    Engine(Role role, EngineSettings settings);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    void set_limits(const PeerLimits& limits);

    // Bytes of the peer, its protocol header first. Take all events before the next call.
    void receive(std::string_view bytes);
    std::optional<Event> next_event();
    // Appends what is to be written.
    void take_output(std::string& out);
    // True when what take_output() gave was the last.
    bool finished() const;
    // Sends an empty frame or gives up a silent peer when it is time; says when to come back.
    std::optional<TimePoint> tick(TimePoint now);

    void open();
    // Ends the connection with an error, or (no name) without one.
    void close(const Condition& why);

    // Answers an attach: with the peer's own terminuses, or with none and a detach.
    void accept(LinkId link, const LinkAnswer& answer);
    void refuse(LinkId link, const Condition& why);
    // Ends a link. No event comes of it.
    void detach(LinkId link, const Condition& why);

    // Incoming links: allows so many messages more.
    void add_credit(LinkId link, std::uint32_t messages);
    // Settles a message of either direction; `why` goes with `rejected`.
    void settle(DeliveryId delivery, Outcome outcome, const Condition& why = {});

    // Outgoing links. Nothing when the link is gone. `tag`: at most 32 bytes.
    std::optional<DeliveryId> send(LinkId link, std::string_view tag, std::string_view bytes, bool settled);
    std::uint32_t credit(LinkId link) const;
    void drained(LinkId link);
    // Bytes given to send() that are not in the output yet, all links together: the peer's session window holds them back.
    std::size_t unsent_bytes() const;

    // Client only. The events answer.
    SessionId begin();
    LinkId attach(SessionId session, const LinkSpec& spec);
    // Client only: says what it thinks of a message without settling it (receivers that settle second).
    void propose(DeliveryId delivery, Outcome outcome);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace selvage::codec::amqp
