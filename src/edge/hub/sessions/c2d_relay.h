// C2D messages on their way through this hub to one leaf device. Nothing is stored here: the hub above keeps a message until
// the device has completed it.
//
// A plain object. Bounded by what the hub above sends unacknowledged.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>

#include "domain/message.h"
#include "hub_api/hub.h"

namespace selvage::edge::hub {

class C2dRelay {
public:
    using Acknowledge = std::move_only_function<void()>;
    struct Next {
        std::uint64_t ticket = 0;
        std::uint32_t delivery_count = 0;
        domain::Message message;
    };

    void arrived(domain::Message message, Acknowledge acknowledge);
    void set_window(std::uint32_t deliveries_max) { window_ = deliveries_max; }
    // The next message to deliver, if the window has room for it.
    std::optional<Next> next();
    // Completed and rejected are told to the hub above as done (MQTT knows nothing else); abandoned goes out again. False:
    // unknown.
    bool settle(std::uint64_t ticket, hub_api::Outcome outcome);
    // Whether the hub above waits for anything.
    bool has_unsettled() const { return !waiting_.empty() || !delivered_.empty(); }

private:
    struct Item {
        domain::Message message;
        Acknowledge acknowledge;
        std::uint32_t deliveries = 0;
    };
    std::deque<Item> waiting_;
    std::map<std::uint64_t, Item> delivered_;
    std::uint64_t last_ticket_ = 0;
    std::uint32_t window_ = 0;
};

}  // namespace selvage::edge::hub
