#include "simulation/wire.h"

#include <algorithm>
#include <cstring>

namespace selvage::simulation {
namespace {

// Who edgeAgent's image runs as: docs/wire/management-api.md#socket.
constexpr int kAgentUser = 13622;

class WireEnd final : public net::Stream {
public:
    WireEnd(std::shared_ptr<Wire> wire, std::size_t side) : wire_(std::move(wire)), side_(side) {}
    ~WireEnd() override { wire_->close(side_); }
    async::Awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        return wire_->read_some(side_, into);
    }
    async::Awaitable<Result<>> write(std::string_view bytes) override { return wire_->write(side_, bytes); }
    bool write_at_once(std::string_view bytes) override { return wire_->write_at_once(side_, bytes); }
    void end_writing() override { wire_->end_writing(side_); }
    void close() override { wire_->close(side_); }
    std::string peer() const override { return wire_->host(1 - side_); }
    int peer_pid() const override { return wire_->process(1 - side_); }
    int peer_uid() const override { return peer_pid() > 0 ? kAgentUser : -1; }

private:
    std::shared_ptr<Wire> wire_;
    std::size_t side_;
};

}  // namespace

Wire::Wire(Surroundings around, std::string dialler, std::string listener)
    : around_(around),
      sides_{Side(around.schedule.loop(), std::move(dialler)), Side(around.schedule.loop(), std::move(listener))} {}

std::unique_ptr<net::Stream> Wire::end(std::size_t side) { return std::make_unique<WireEnd>(shared_from_this(), side); }

bool Wire::joins(const std::string& a, const std::string& b) const {
    return (sides_[0].host == a && sides_[1].host == b) || (sides_[0].host == b && sides_[1].host == a);
}

std::size_t Wire::held_bytes() const {
    std::size_t bytes = 0;
    for (const Side& side : sides_) bytes += side.sent_bytes + side.arrived.size();
    return bytes;
}

void Wire::wake(Side& side) {
    side.filled.set();
    side.drained.set();
}

void Wire::break_side(std::size_t side) {
    if (sides_[side].dead()) return;
    sides_[side].broken = true;
    around_.trace.note(around_.schedule.now(), "broken", sides_[side].host, static_cast<std::int64_t>(side));
    wake(sides_[side]);
}

void Wire::break_both() {
    break_side(0);
    break_side(1);
}

void Wire::vanish() { vanished_ = true; }
void Wire::stall(TimePoint until) { stalled_until_ = std::max(stalled_until_, until); }

std::size_t Wire::room(std::size_t side) const {
    const std::size_t held = sides_[side].sent_bytes + sides_[1 - side].arrived.size();
    return held >= kBufferBytes ? 0 : kBufferBytes - held;
}

void Wire::launch(std::size_t side, Kind kind, std::string bytes) {
    Side& from = sides_[side];
    from.sent_bytes += bytes.size();
    if (vanished_) {
        if (std::exchange(from.silence_counts, true)) return;
        around_.schedule.after(kSilenceMax, [wire = weak_from_this(), side] {
            if (const auto alive = wire.lock()) alive->break_side(side);
        });
        return;
    }
    auto travel = lag_ + Duration(1 + static_cast<std::int64_t>(around_.dice.fraction() *
                                                                static_cast<double>(around_.weather.latency_max.count())));
    // As TCP does: a lost packet comes later, and what is behind it waits for it.
    Duration again = std::chrono::milliseconds(200);
    while (around_.weather.loss > 0 && again < std::chrono::seconds(10) && around_.dice.fraction() < around_.weather.loss) {
        around_.trace.count(Effect::packet_lost);
        travel += again;
        again *= 2;
    }
    from.last_due = std::max({from.last_due, around_.schedule.now() + travel, stalled_until_});
    from.sent.push_back({from.last_due, kind, std::move(bytes)});
    around_.schedule.at(from.last_due, [wire = weak_from_this(), side] {
        if (const auto alive = wire.lock()) alive->deliver(side);
    });
}

// `side` is the sender's.
void Wire::deliver(std::size_t side) {
    Side& from = sides_[side];
    Side& to = other(side);
    if (vanished_) return;
    if (around_.schedule.now() < stalled_until_) {
        around_.schedule.at(stalled_until_, [wire = weak_from_this(), side] {
            if (const auto alive = wire.lock()) alive->deliver(side);
        });
        return;
    }
    while (!from.sent.empty() && from.sent.front().due <= around_.schedule.now()) {
        const Parcel parcel = std::move(from.sent.front());
        from.sent.pop_front();
        from.sent_bytes -= parcel.bytes.size();
        if (to.dead()) {
            // As a kernel answers bytes for a socket that is no more.
            if (parcel.kind == Kind::bytes) from.peer_gone = true;
            from.drained.set();
            continue;
        }
        around_.trace.note(around_.schedule.now(), "arrive", to.host, static_cast<std::int64_t>(parcel.bytes.size()),
                           parcel.bytes);
        to.arrived += parcel.bytes;
        if (parcel.kind != Kind::bytes) to.end_arrived = true;
        if (parcel.kind == Kind::close) {
            to.peer_gone = true;
            to.drained.set();
        }
        to.filled.set();
    }
}

async::Awaitable<Result<std::size_t>> Wire::read_some(std::size_t side, std::span<std::byte> into) {
    const auto self = shared_from_this();
    Side& mine = sides_[side];
    for (;;) {
        if (mine.closed) co_return fail(Errc::connection_closed, "the stream is closed");
        if (mine.broken) co_return fail(Errc::connection_closed, "connection reset by peer");
        if (!mine.arrived.empty()) {
            // Now and then only a part, as it comes over a real network.
            std::size_t count = std::min(into.size(), mine.arrived.size());
            if (around_.dice.fraction() < 0.05) count = 1 + around_.dice.next() % count;
            std::memcpy(into.data(), mine.arrived.data(), count);
            mine.arrived.erase(0, count);
            other(side).drained.set();
            co_return count;
        }
        if (mine.end_arrived) co_return std::size_t{0};
        mine.filled.reset();
        co_await mine.filled.wait();
        if (!mine.filled.is_set()) co_return fail(Errc::cancelled, "the wait for bytes was cancelled");
    }
}

Result<> Wire::writable(std::size_t side) const {
    const Side& mine = sides_[side];
    if (mine.closed) return fail(Errc::connection_closed, "the stream is closed");
    if (mine.broken) return fail(Errc::connection_closed, "connection reset by peer");
    if (mine.peer_gone) return fail(Errc::connection_closed, "the peer has closed the connection");
    return {};
}

async::Awaitable<Result<>> Wire::write(std::size_t side, std::string_view bytes) {
    const auto self = shared_from_this();
    Side& mine = sides_[side];
    while (!bytes.empty()) {
        SELVAGE_CO_CHECK(writable(side));
        const std::size_t count = std::min(bytes.size(), room(side));
        if (count > 0) {
            launch(side, Kind::bytes, std::string(bytes.substr(0, count)));
            bytes.remove_prefix(count);
            continue;
        }
        mine.writing = true;
        mine.drained.reset();
        co_await mine.drained.wait();
        mine.writing = false;
        if (!mine.drained.is_set()) co_return fail(Errc::cancelled, "the wait to write was cancelled");
    }
    co_return Result<>{};
}

bool Wire::write_at_once(std::size_t side, std::string_view bytes) {
    if (sides_[side].writing || !writable(side) || room(side) < bytes.size()) return false;
    launch(side, Kind::bytes, std::string(bytes));
    return true;
}

void Wire::end_writing(std::size_t side) {
    if (!sides_[side].dead()) launch(side, Kind::end, {});
}

void Wire::close(std::size_t side) {
    Side& mine = sides_[side];
    if (mine.closed) return;
    if (!mine.broken) launch(side, Kind::close, {});
    mine.closed = true;
    mine.arrived.clear();
    wake(mine);
}

}  // namespace selvage::simulation
