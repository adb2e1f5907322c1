// How many TLS handshakes of a listener are under way at a time. Private to net.
//
// OpenSSL needs some 45 KiB for a connection until its handshake has ended, and whoever has said hello may stall there. So
// there are places; who finds none waits in line, at 3.5 KiB. While others wait, the one that has held its place for longer
// than `patience` is dropped: strangers that stall slow a fleet down and do not keep it out.
// Runs on: the listener's loop. Outlives its places and those in line.
#pragma once

#include <list>
#include <memory>
#include <optional>

#include "async/event.h"
#include "async/time_source.h"

namespace selvage::net {

using async::Awaitable;

class Handshakes {
    struct Running {
        TimePoint since;
        int fd;
        bool dropped = false;
    };

public:
    Handshakes(async::Executor loop, async::TimeSource& time, std::size_t most, Duration patience);
    Handshakes(const Handshakes&) = delete;
    Handshakes& operator=(const Handshakes&) = delete;

    // Given back when it goes.
    class Place {
    public:
        Place(Handshakes& owner, std::list<Running>::iterator self) : owner_(owner), self_(self) {}
        ~Place() { owner_.end(self_); }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;

    private:
        Handshakes& owner_;
        std::list<Running>::iterator self_;
    };

    // Waits for a place for the handshake on `fd`, first come, first served. Who is dropped finds that socket shut down.
    // Nothing: the caller was cancelled.
    Awaitable<std::unique_ptr<Place>> place(int fd);

    std::size_t running() const { return running_.size(); }
    std::size_t waiting() const { return line_.size(); }

private:
    // Somebody in line. Leaves it when it goes, and gives back what it was given and did not take.
    struct Waiting {
        Waiting(Handshakes& owner_, int fd_);
        ~Waiting();
        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;
        Handshakes& owner;
        int fd;
        async::Event turn;
        std::list<Waiting*>::iterator self;
        std::optional<std::list<Running>::iterator> granted;
    };

    std::list<Running>::iterator begin(int fd);
    void end(std::list<Running>::iterator self);
    // Drops who has been at it for too long, as others wait, and looks again when the next one will have been.
    void look_after();

    async::Executor loop_;
    async::TimeSource& time_;
    std::size_t most_;
    Duration patience_;
    std::list<Running> running_;     // the oldest first
    std::list<Waiting*> line_;
    std::unique_ptr<async::Timer> timer_;
};

}  // namespace selvage::net
