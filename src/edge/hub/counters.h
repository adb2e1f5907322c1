// What the edge hub counts, in one place, so that it can be shown later.
//
// Plain numbers that only grow; written on the hub's loop.
#pragma once

#include <cstdint>

namespace selvage::edge::hub {

struct HubCounters {
    std::uint64_t messages_received = 0;
    std::uint64_t messages_unrouted = 0;            // acknowledged, and no route took them
    std::uint64_t messages_refused_size = 0;
    std::uint64_t messages_refused_store = 0;       // the store is full or failed
    std::uint64_t messages_sent_upstream = 0;
    std::uint64_t messages_sent_to_modules = 0;
    std::uint64_t messages_expired = 0;
    std::uint64_t messages_dropped_sender = 0;      // the hub above no longer knows the sender
    std::uint64_t messages_dropped_invalid = 0;     // refused above for good, rejected by the module, or unreadable
    std::uint64_t clients_refused = 0;
    std::uint64_t clients_accepted = 0;
    std::uint64_t clients_ended = 0;
    std::uint64_t reported_patches = 0;
    std::uint64_t reported_patches_refused = 0;     // refused above for good
    std::uint64_t methods_called = 0;
    std::uint64_t offline_periods = 0;
};

}  // namespace selvage::edge::hub
