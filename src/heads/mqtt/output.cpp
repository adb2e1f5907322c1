// One write per turn: everything that a turn of the loop queues goes out together, as one TLS record where it fits. The
// buffers exist only while there is something to write.
#include "base/log.h"
#include "heads/mqtt/connection.h"

namespace selvage::heads::mqtt {

Result<> MqttConnection::send(const codec::mqtt::Packet& packet) {
    if (ended_) return {};
    SELVAGE_CHECK(codec::mqtt::encode(packet, output_));
    if (output_.size() > settings_.outbound_bytes_max) {
        end(fmt::format("the client does not read: {} bytes are waiting", output_.size()));
        return {};
    }
    if (!flushing_) {
        flushing_ = true;
        flush_began_ = time_.now();
        tasks_.spawn("mqtt write", flush());
    }
    return {};
}

Awaitable<> MqttConnection::flush() {
    std::string bytes;
    while (!ended_ && !output_.empty()) {
        bytes.clear();
        bytes.swap(output_);
        const auto settle = std::exchange(settle_on_flush_, {});
        flush_began_ = time_.now();
        const auto written = co_await stream_->write(bytes);
        if (!written) {
            end(fmt::format("write failed: {}", written.error().detail));
            break;
        }
        for (const auto token : settle)
            if (!ended_) session_->settle(token, hub_api::Outcome::completed);
        pump_deliveries();
    }
    std::string().swap(output_);
    flushing_ = false;
}

}  // namespace selvage::heads::mqtt
