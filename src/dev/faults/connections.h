// Streams that somebody else can slow down and cut: what stands between a hub and the connections of its devices.
//
// Runs on: the hub's loop. A Connections object outlives the streams that it wraps.
#pragma once

#include <memory>
#include <unordered_set>

#include "async/time_source.h"
#include "net/dial.h"
#include "net/listener.h"
#include "net/stream.h"

namespace selvage::dev {

class Connections {
public:
    // What arrives is handed on `delay` later, by `time`.
    Connections(async::TimeSource& time, Duration delay) : time_(time), delay_(delay) {}

    std::unique_ptr<net::Stream> watch(std::shared_ptr<net::Stream> stream);
    // The same for what a listener hands to a head.
    net::Serve around(net::Serve serve);
    // Cuts all; how many there were.
    std::size_t cut();

private:
    class Watched;
    async::TimeSource& time_;
    Duration delay_;
    std::unordered_set<Watched*> open_;
};

// Dials for an edge hub; while the link is down nobody can be reached by TCP and what was open is cut. Unix sockets stay.
class BreakableDialer final : public net::Dialer {
public:
    BreakableDialer(net::Dialer& dialer, async::TimeSource& time) : dialer_(dialer), connections_(time, Duration::zero()) {}

    net::Awaitable<Result<std::unique_ptr<net::Stream>>> dial(net::Target target, std::chrono::milliseconds timeout) override;
    void take_down();
    void bring_up() { down_ = false; }

private:
    net::Dialer& dialer_;
    Connections connections_;
    bool down_ = false;
};

}  // namespace selvage::dev
