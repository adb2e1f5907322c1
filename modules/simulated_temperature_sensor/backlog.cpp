#include "simulated_temperature_sensor/backlog.h"

#include <algorithm>

namespace selvage::temperature_sensor {

void Backlog::push(domain::Message message) {
    SELVAGE_ASSERT(!full());
    entries_.push_back({std::move(message), State::waiting});
}

const domain::Message* Backlog::next() const { return next_ < entries_.size() ? &entries_[next_].message : nullptr; }

Backlog::Ticket Backlog::take() {
    SELVAGE_ASSERT(next_ < entries_.size());
    const Ticket ticket = first_ + next_;
    entries_[next_].state = State::sent;
    find_next();
    return ticket;
}

void Backlog::acknowledged(Ticket ticket) {
    const auto index = static_cast<std::size_t>(ticket - first_);
    SELVAGE_ASSERT(ticket >= first_ && index < entries_.size() && entries_[index].state == State::sent);
    entries_[index].state = State::acknowledged;
    entries_[index].message = {};
    while (!entries_.empty() && entries_.front().state == State::acknowledged) {
        entries_.pop_front();
        ++first_;
        --next_;
    }
}

void Backlog::lost(Ticket ticket) {
    const auto index = static_cast<std::size_t>(ticket - first_);
    SELVAGE_ASSERT(ticket >= first_ && index < entries_.size() && entries_[index].state == State::sent);
    entries_[index].state = State::waiting;
    next_ = std::min(next_, index);
}

void Backlog::find_next() {
    while (next_ < entries_.size() && entries_[next_].state != State::waiting) ++next_;
}

}  // namespace selvage::temperature_sensor
