#include "device_client/send_window.h"

namespace selvage::device_client {
namespace {

// Packet ids are 1 to 65,535 (MQTT 3.1.1 section 2.3.1): they wrap past zero.
constexpr std::size_t kIds = 65'535;

std::uint16_t after(std::uint16_t id) { return id == kIds ? std::uint16_t{1} : static_cast<std::uint16_t>(id + 1); }

}  // namespace

SendWindow::SendWindow(std::size_t messages_max, std::size_t bytes_max, std::uint16_t first_id)
    : messages_max_(messages_max), bytes_max_(bytes_max), first_id_(first_id), next_id_(first_id) {}

bool SendWindow::is_open() const {
    // The last term: a hub that never acknowledges one message must not let its id be given twice.
    return waiting_ < messages_max_ && bytes_ < bytes_max_ && entries_.size() < kIds - 1;
}

void SendWindow::add(std::size_t bytes, Done done) {
    SELVAGE_ASSERT(is_open() && done);
    entries_.push_back({bytes, std::move(done)});
    next_id_ = after(next_id_);
    ++waiting_;
    bytes_ += bytes;
}

SendWindow::Done SendWindow::take(std::uint16_t packet_id) {
    if (packet_id == 0) return {};
    const std::size_t index = (packet_id + kIds - first_id_) % kIds;
    if (index >= entries_.size() || !entries_[index].done) return {};
    Done done = std::exchange(entries_[index].done, nullptr);
    --waiting_;
    bytes_ -= entries_[index].bytes;
    while (!entries_.empty() && !entries_.front().done) {
        entries_.pop_front();
        first_id_ = after(first_id_);
    }
    return done;
}

std::vector<SendWindow::Done> SendWindow::take_all() {
    std::vector<Done> all;
    for (auto& entry : entries_)
        if (entry.done) all.push_back(std::move(entry.done));
    entries_.clear();
    first_id_ = next_id_;
    waiting_ = 0;
    bytes_ = 0;
    return all;
}

}  // namespace selvage::device_client
