// One write per turn: everything that a turn of the loop says goes out together, as one TLS record where it fits. Outcomes of
// transfers that became durable together are one frame then.
#include "async/turn.h"
#include "base/log.h"
#include "heads/amqp/connection.h"

namespace selvage::heads::amqp {

void AmqpConnection::touch() {
    if (ended_ || flushing_) return;
    flushing_ = true;
    flush_began_ = time_.now();
    tasks_.spawn("amqp write", flush());
}

void AmqpConnection::say_last_words() {
    if (ended_ || !engine_) return;
    std::string bytes;
    engine_->take_output(bytes);
    if (!bytes.empty()) stream_->write_at_once(bytes);
}

Awaitable<> AmqpConnection::flush() {
    co_await async::next_turn(loop_);
    std::string bytes;
    while (!ended_) {
        std::exchange(retired_, {}).clear();
        bytes.clear();
        engine_->take_output(bytes);
        if (bytes.empty()) break;
        flush_began_ = time_.now();
        const auto written = co_await stream_->write(bytes);
        if (!written) {
            end(fmt::format("write failed: {}", written.error().detail));
            break;
        }
        if (ended_) break;
        engine_->tick(time_.now());   // it counts the peer's idle time from here
        // Copied: a delivery that the hub makes meanwhile may end an identity.
        std::vector<std::shared_ptr<AmqpIdentity>> waiting;
        for (const auto& [name, identity] : identities_)
            if (identity->has_waiting()) waiting.push_back(identity);
        for (const auto& identity : waiting) identity->pump();
    }
    flushing_ = false;
    if (!ended_ && engine_->finished()) end("closed");
}

}  // namespace selvage::heads::amqp
