#include "net/handshakes.h"

#include <sys/socket.h>

#include "base/log.h"

namespace selvage::net {

Handshakes::Handshakes(async::Executor loop, async::TimeSource& time, std::size_t most, Duration patience)
    : loop_(std::move(loop)), time_(time), most_(most), patience_(patience),
      timer_(time.make_timer(loop_, [this] { look_after(); })) {}

Handshakes::Waiting::Waiting(Handshakes& owner_, int fd_) : owner(owner_), fd(fd_), turn(owner_.loop_) {
    self = owner.line_.insert(owner.line_.end(), this);
}

Handshakes::Waiting::~Waiting() {
    if (self != owner.line_.end()) owner.line_.erase(self);
    if (granted) owner.end(*granted);
}

Awaitable<std::unique_ptr<Handshakes::Place>> Handshakes::place(int fd) {
    if (running_.size() < most_) co_return std::make_unique<Place>(*this, begin(fd));
    Waiting waiting(*this, fd);
    look_after();
    co_await waiting.turn.wait();
    if (!waiting.granted) co_return nullptr;
    co_return std::make_unique<Place>(*this, *std::exchange(waiting.granted, std::nullopt));
}

std::list<Handshakes::Running>::iterator Handshakes::begin(int fd) {
    return running_.insert(running_.end(), {.since = time_.now(), .fd = fd});
}

void Handshakes::end(std::list<Running>::iterator self) {
    running_.erase(self);
    if (line_.empty()) return;
    Waiting& next = *line_.front();
    line_.pop_front();
    next.self = line_.end();
    next.granted = begin(next.fd);
    next.turn.set();
}

void Handshakes::look_after() {
    if (line_.empty()) return;
    const TimePoint now = time_.now();
    for (auto& one : running_) {
        if (one.dropped) continue;
        if (now < one.since + patience_) return timer_->set(one.since + patience_);
        one.dropped = true;
        // Its reader wakes and finds an end; the place is free when it has gone.
        ::shutdown(one.fd, SHUT_RDWR);
        log::info("net.listen", "a TLS handshake that stalls was dropped, as {} others wait", line_.size());
    }
}

}  // namespace selvage::net
