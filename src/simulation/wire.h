// One connection of the simulated network: two directions with a travel time, bounded like a socket's buffers.
//
// Runs on: the world's loop. Shared between its two ends, the network, and deliveries that are on their way.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>

#include "async/event.h"
#include "base/random.h"
#include "net/stream.h"
#include "simulation/schedule.h"
#include "simulation/trace.h"

namespace selvage::simulation {

class Wire : public std::enable_shared_from_this<Wire> {
public:
    // How a network treats all its connections; changes while they are open.
    struct Weather {
        Duration latency_max{std::chrono::milliseconds(20)};
        double loss = 0;                // of packets; each costs the time until it is sent again
    };
    struct Surroundings {
        Schedule& schedule;
        Trace& trace;
        Random& dice;
        const Weather& weather;
    };
    // Side 0 is who dialled.
    Wire(Surroundings around, std::string dialler, std::string listener);

    std::unique_ptr<net::Stream> end(std::size_t side);
    bool joins(const std::string& a, const std::string& b) const;
    const std::string& host(std::size_t side) const { return sides_[side].host; }
    bool over() const { return sides_[0].dead() && sides_[1].dead(); }
    // What waits in it, both ways.
    std::size_t held_bytes() const;

    // ---- faults ----
    // The socket of one side fails, now; the other side is not told.
    void break_side(std::size_t side);
    void break_both();
    // Half open: from now on nothing arrives any more, in either direction, and nobody is told.
    void vanish();
    // Nothing arrives before `until`; nothing is lost.
    void stall(TimePoint until);
    // Takes that much longer than others from now on: what is said elsewhere overtakes it.
    void set_lag(Duration lag) { lag_ = lag; }
    // For Unix sockets: who is at that end.
    void set_process(std::size_t side, int pid) { sides_[side].pid = pid; }
    int process(std::size_t side) const { return sides_[side].pid; }

    // ---- for the ends ----
    async::Awaitable<Result<std::size_t>> read_some(std::size_t side, std::span<std::byte> into);
    async::Awaitable<Result<>> write(std::size_t side, std::string_view bytes);
    bool write_at_once(std::size_t side, std::string_view bytes);
    void end_writing(std::size_t side);
    void close(std::size_t side);

private:
    static constexpr std::size_t kBufferBytes = 64 * 1024;
    // How long a side believes in a peer that acknowledges nothing; net/socket.cpp sets the like on real sockets.
    static constexpr std::chrono::seconds kSilenceMax{30};

    enum class Kind { bytes, end, close };
    struct Parcel {
        TimePoint due;
        Kind kind;
        std::string bytes;
    };
    struct Side {
        Side(const async::Executor& loop, std::string name) : host(std::move(name)), filled(loop), drained(loop) {}
        std::string host;
        int pid = -1;
        std::deque<Parcel> sent;        // on their way to the other side
        std::size_t sent_bytes = 0;
        std::string arrived;            // and what came from there
        bool end_arrived = false;
        bool closed = false;            // by its owner
        bool broken = false;
        bool peer_gone = false;         // writing makes no sense any more
        bool writing = false;
        bool silence_counts = false;
        TimePoint last_due{};
        async::Event filled;            // there is something to read, or an end to it
        async::Event drained;           // there may be room to write, or an end to it
        bool dead() const { return closed || broken; }
    };

    Side& other(std::size_t side) { return sides_[1 - side]; }
    std::size_t room(std::size_t side) const;
    void launch(std::size_t side, Kind kind, std::string bytes);
    void deliver(std::size_t side);
    Result<> writable(std::size_t side) const;
    static void wake(Side& side);

    Surroundings around_;
    std::array<Side, 2> sides_;
    bool vanished_ = false;
    TimePoint stalled_until_{};
    Duration lag_{};
};

}  // namespace selvage::simulation
