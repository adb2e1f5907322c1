// The engine behind the Engine: proton's handles and the tables from our numbers to them. Private to codec/amqp.
//
// Proton's objects carry our number as their context; a link or delivery that we let go of gets number 0 first, so that an
// event about it which proton still holds means nothing. Payloads of transfers stay on our side: proton gets the
// performative only, because it would keep the largest buffer of each delivery for good.
#pragma once

#include <proton/connection.h>
#include <proton/connection_driver.h>
#include <proton/delivery.h>
#include <proton/link.h>
#include <proton/session.h>
#include <proton/transport.h>

#include <deque>
#include <unordered_map>

#include "codec/amqp/engine.h"
#include "codec/amqp/frame.h"

namespace selvage::codec::amqp {

// proton's handle of a whole connection.
class Driver {
public:
    Driver();
    ~Driver() { pn_connection_driver_destroy(&driver_); }
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    pn_connection_driver_t* get() { return &driver_; }
    pn_connection_t* connection() { return driver_.connection; }
    pn_transport_t* transport() { return driver_.transport; }

private:
    pn_connection_driver_t driver_{};
};

struct Engine::Impl {
    struct Link {
        pn_link_t* handle = nullptr;
        Direction direction = Direction::incoming;
        bool answered = false;
        std::uint64_t message_bytes_max = 0;
        std::int64_t credit = 0;              // incoming: granted and not used
        std::string partial;                  // of a message that has not arrived whole
        std::uint32_t partial_format = 0;
    };

    Impl(Role role, EngineSettings settings);

    // engine.cpp
    void take_header(std::string_view& bytes);
    void take_frame(const Frame& frame);
    void push(const char* bytes, std::size_t size);
    void fail_connection(const Condition& why);
    Link* find(LinkId id);
    // Lets go of the link and its deliveries.
    void forget(LinkId id);

    // engine_events.cpp
    void collect(const Frame& frame);
    void on_opened();
    void on_link_opened(pn_link_t* handle);
    void on_link_closed(pn_link_t* handle, bool closed);
    void on_session_closed(pn_session_t* session);
    void on_delivery(pn_delivery_t* delivery, const Frame& frame);
    void on_transfer(LinkId id, Link& link, pn_delivery_t* delivery, const Frame& frame);
    void on_disposition(LinkId id, pn_delivery_t* delivery);
    void on_flow(pn_link_t* handle);
    void on_closed(pn_condition_t* condition, bool by_peer);
    DeliveryId remember(pn_delivery_t* delivery);

    Role role;
    EngineSettings settings;
    Driver driver;
    FrameReader reader;
    PeerHandles peer;
    std::string header;                       // of the peer, until it is whole
    std::size_t header_bytes = 0;
    std::deque<Event> events;
    std::unordered_map<std::uint32_t, Link> links;
    std::unordered_map<std::uint64_t, pn_delivery_t*> deliveries;
    std::vector<pn_session_t*> own_sessions;  // client
    std::uint32_t last_link = 0;
    std::uint64_t last_delivery = 0;
    std::size_t partial_bytes = 0;
    std::size_t partial_bytes_max = 0;
    std::size_t unsent_bytes = 0;             // as of the last output, and what came since
    bool stopped = false;                     // no more input is looked at
    bool closed_told = false;
};

inline void* as_context(std::uint64_t number) { return reinterpret_cast<void*>(static_cast<std::uintptr_t>(number)); }
inline std::uint64_t from_context(void* context) { return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(context)); }
inline LinkId id_of(pn_link_t* link) { return static_cast<LinkId>(from_context(pn_link_get_context(link))); }

void set_condition(pn_condition_t* into, const Condition& from);
Condition to_value(pn_condition_t* condition);

}  // namespace selvage::codec::amqp
