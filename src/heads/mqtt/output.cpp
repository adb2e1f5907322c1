// One write per turn: everything that a turn of the loop queues goes out together, as one TLS record where it fits. The
// buffers exist only while there is something to write, and a coroutine only while the client's socket is full.
#include <boost/asio/post.hpp>

#include "base/log.h"
#include "heads/mqtt/connection.h"

namespace selvage::heads::mqtt {

Result<> MqttConnection::send(const codec::mqtt::Packet& packet) {
    if (ended_) return {};
    SELVAGE_CHECK(codec::mqtt::encode(packet, output_));
    if (output_.size() > settings_->outbound_bytes_max) {
        end(fmt::format("the client does not read: {} bytes are waiting", output_.size()));
        return {};
    }
    if (!flushing_) {
        flushing_ = true;
        flush_began_ = time_.now();
        boost::asio::post(tasks_.executor(), [connection = shared_from_this()] { connection->flush(); });
    }
    return {};
}

void MqttConnection::flush() {
    while (!ended_ && !output_.empty()) {
        std::string bytes;
        bytes.swap(output_);
        auto settle = std::exchange(settle_on_flush_, {});
        flush_began_ = time_.now();
        std::string_view rest = bytes;
        if (!stream_->try_write(rest)) {
            const std::size_t from = bytes.size() - rest.size();
            return tasks_.spawn("mqtt write", flush_slowly(std::move(bytes), from, std::move(settle)));
        }
        written(settle);
    }
    flushing_ = false;
}

Awaitable<> MqttConnection::flush_slowly(std::string bytes, std::size_t from, std::vector<hub_api::LockToken> settle) {
    const auto rest = std::string_view(bytes).substr(from);
    const auto done = co_await stream_->write(rest);
    if (!done) {
        end(fmt::format("write failed: {}", done.error().detail));
        co_return;
    }
    written(settle);
    flush();
}

// QoS 0 deliveries are done once they are written; what has waited for room goes to output_ now.
void MqttConnection::written(const std::vector<hub_api::LockToken>& settle) {
    for (const auto token : settle)
        if (!ended_) session_->settle(token, hub_api::Outcome::completed);
    pump_deliveries();
}

}  // namespace selvage::heads::mqtt
