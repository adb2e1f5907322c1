// Messages that have been made and are not acknowledged, in order. Bounded: full() and the maker pauses.
//
// A message is waiting, or sent under a ticket, or acknowledged while one before it is not. What is lost waits again, in its
// old place, so order is kept as far as the hub acknowledges in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "domain/message.h"

namespace selvage::temperature_sensor {

class Backlog {
public:
    using Ticket = std::uint64_t;

    explicit Backlog(std::size_t messages_max) : messages_max_(messages_max) {}

    bool full() const { return entries_.size() >= messages_max_; }
    bool empty() const { return entries_.empty(); }
    std::size_t size() const { return entries_.size(); }
    // Must not be full.
    void push(domain::Message message);

    // The first that waits; null when all are under way.
    const domain::Message* next() const;
    // Marks that one as sent.
    Ticket take();
    void acknowledged(Ticket ticket);
    void lost(Ticket ticket);

private:
    enum class State { waiting, sent, acknowledged };
    struct Entry {
        domain::Message message;
        State state = State::waiting;
    };
    void find_next();

    std::size_t messages_max_;
    std::deque<Entry> entries_;
    Ticket first_ = 0;              // of entries_.front()
    std::size_t next_ = 0;          // index of the first that waits; entries_.size() when none does
};

}  // namespace selvage::temperature_sensor
