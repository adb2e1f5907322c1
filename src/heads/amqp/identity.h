// One identity on a connection: its session with the hub, its links, and what is under way on them. Private to the room.
//
// Made when its first link attaches, gone with its last. The session is opened once, whatever links come.
// Runs on: the hub's loop; all that the hub calls returns at once.
#pragma once

#include <array>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "async/awaitable.h"
#include "codec/amqp/engine.h"
#include "codec/hub_amqp/hub_amqp.h"
#include "hub_api/hub.h"

namespace selvage::heads::amqp {

using async::Awaitable;

class AmqpConnection;

// What a link of an identity is for.
enum class LinkKind : std::uint8_t {
    telemetry,
    inputs,              // modules: where telemetry is sent, or where C2D would come
    c2d,
    twin_requests,
    twin_answers,
    method_answers,
    method_calls,
};
inline constexpr std::size_t kLinkKinds = 7;

// The kind of a link with such an address. Nothing: there is no link of that direction.
std::optional<LinkKind> kind_of(const codec::hub_amqp::LinkAddress& address, codec::amqp::Direction direction);

// A link towards the client whose messages are settled as they are sent.
struct AnswerLink {
    std::optional<codec::amqp::LinkId> id;
    std::deque<std::string> waiting;      // for credit
};

// ---- what waits for the hub ----
struct TokenRequest {
    codec::amqp::MessageId id;
    domain::Identity identity;
    std::string token;                    // secret
};
struct AttachRequest {
    codec::amqp::LinkId link;
    codec::amqp::LinkSpec spec;
    domain::Identity identity;
    LinkKind kind;
};
struct TwinCall {
    domain::Identity identity;
    codec::amqp::MessageId id;
    codec::hub_amqp::TwinRequest request;
};
// A feed whose link is gone.
struct FeedOff {
    domain::Identity identity;
    hub_api::Feed feed;
};
using AmqpRequest = std::variant<TokenRequest, AttachRequest, TwinCall, FeedOff>;

class AmqpIdentity final : public hub_api::DeviceSink, public std::enable_shared_from_this<AmqpIdentity> {
public:
    AmqpIdentity(AmqpConnection& connection, domain::Identity identity);

    const domain::Identity& name() const { return identity_; }
    bool is_open() const { return session_ != nullptr; }
    bool is_unused() const { return link_count_ == 0 && attaching_ == 0; }
    std::optional<UtcTime> expires() const { return expires_; }
    // Deliveries that wait for room in the output.
    bool has_waiting() const { return !deliveries_.waiting.empty(); }

    // identity.cpp
    void opened(std::unique_ptr<hub_api::DeviceSession> session, std::optional<UtcTime> expires);
    void renewed(std::optional<UtcTime> expires) { expires_ = expires; }
    void begin_attach() { ++attaching_; }
    void end_attach() { --attaching_; }
    // Switches on what the link needs; the link counts from before that on. `pairing` tells which two links of twins or
    // methods belong together. Errors: what the hub says; then it is no link of ours.
    Awaitable<Result<>> add_link(codec::amqp::LinkId link, LinkKind kind, std::string pairing);
    // The link is gone.
    void remove_link(codec::amqp::LinkId link);
    std::optional<LinkKind> kind_of(codec::amqp::LinkId link) const;
    // Ends all links, and the session.
    void end(const codec::amqp::Condition& why);

    // What comes on its links.
    void take_message(const codec::amqp::MessageArrived& event);        // telemetry.cpp
    void credit_changed(const codec::amqp::CreditChanged& event);       // deliveries.cpp
    void outcome_known(const codec::amqp::OutcomeKnown& event);         // deliveries.cpp
    void pump();                                                        // deliveries.cpp
    Awaitable<> run(TwinCall call);                                     // twin.cpp
    Awaitable<> run(FeedOff off);                                       // identity.cpp

    // DeviceSink.
    void deliver(hub_api::Delivery delivery) override;                                                         // deliveries.cpp
    void desired_changed(std::int64_t version, const std::string& patch) override;                             // twin.cpp
    void invoke_method(const std::string& request_id, const domain::MethodRequest& request) override;          // methods.cpp
    void close(hub_api::CloseReason reason) override;                                                          // identity.cpp

private:
    struct Link {
        codec::amqp::LinkId id;
        std::string pairing;
    };
    struct MethodCall {
        std::string correlation;         // of the message: a UUID as text
        std::string request_id;          // of the hub
    };
    // Messages towards the client that it has to settle. `feed` is inputs for a module, else C2D: never both.
    struct Deliveries {
        std::list<hub_api::Delivery> waiting;
        std::unordered_map<codec::amqp::DeliveryId, hub_api::LockToken> unsettled;
        std::uint32_t window = 0;
        bool pumping = false;
    };

    std::optional<Link>& slot(LinkKind kind) { return links_[static_cast<std::size_t>(kind)]; }
    const std::optional<Link>& slot(LinkKind kind) const { return links_[static_cast<std::size_t>(kind)]; }
    static std::optional<hub_api::Feed> feed_of(LinkKind kind);
    std::optional<LinkKind> delivery_kind() const;
    void drop_link(LinkKind kind, const codec::amqp::Condition& why);
    void clear_slot(LinkKind kind);
    void end_unpaired(LinkKind kind, const std::string& pairing);
    Awaitable<Result<>> switch_feed(hub_api::Feed feed, bool on);

    void take_telemetry(const codec::amqp::MessageArrived& event);
    void take_twin_request(const codec::amqp::MessageArrived& event);
    void take_method_answer(const codec::amqp::MessageArrived& event);
    void update_window();
    bool send(hub_api::Delivery& delivery, const Link& link);
    void return_deliveries();
    void answer_twin_error(const TwinCall& call, const Error& error);
    void send_twin(std::string bytes);

    AmqpConnection& connection_;
    domain::Identity identity_;
    std::unique_ptr<hub_api::DeviceSession> session_;
    std::optional<UtcTime> expires_;
    std::array<std::optional<Link>, kLinkKinds> links_;
    std::size_t link_count_ = 0;
    std::size_t attaching_ = 0;
    std::array<bool, 4> feed_on_{};      // by Feed
    Deliveries deliveries_;
    AnswerLink twin_answers_;
    AnswerLink method_calls_;
    std::deque<MethodCall> calls_;       // made and not answered
};

}  // namespace selvage::heads::amqp
