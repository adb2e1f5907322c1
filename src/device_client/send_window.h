// Messages sent and not yet acknowledged on one connection, by packet id.
//
// Ids are given in a row, so the id is the place in the queue; acknowledgements may come in any order. Bounded by count and
// by bytes (one message may overshoot the bytes, else a large one could never go).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "device_client/device_client.h"

namespace selvage::device_client {

class SendWindow {
public:
    using Done = DeviceClient::SendDone;

    // The first message gets `first_id`; ids below it are the connection's own.
    SendWindow(std::size_t messages_max, std::size_t bytes_max, std::uint16_t first_id);

    bool is_open() const;
    bool empty() const { return waiting_ == 0; }
    std::uint16_t next_id() const { return next_id_; }

    // Takes the message that goes out under next_id(). The window must be open.
    void add(std::size_t bytes, Done done);
    // The call to make for an acknowledged id; an empty one when no message waits under it.
    Done take(std::uint16_t packet_id);
    // All that still wait, in the order in which they were sent.
    std::vector<Done> take_all();

private:
    struct Entry {
        std::size_t bytes = 0;
        Done done;                 // empty: acknowledged, but one before it is not
    };
    std::size_t messages_max_;
    std::size_t bytes_max_;
    std::deque<Entry> entries_;
    std::uint16_t first_id_;       // of entries_.front()
    std::uint16_t next_id_;
    std::size_t waiting_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace selvage::device_client
