#include "edge/hub/sessions/c2d_relay.h"

namespace selvage::edge::hub {

void C2dRelay::arrived(domain::Message message, Acknowledge acknowledge) {
    waiting_.push_back({std::move(message), std::move(acknowledge), 0});
}

std::optional<C2dRelay::Next> C2dRelay::next() {
    if (waiting_.empty() || delivered_.size() >= window_) return std::nullopt;
    const auto ticket = ++last_ticket_;
    auto& item = delivered_[ticket];
    item = std::move(waiting_.front());
    waiting_.pop_front();
    return Next{ticket, item.deliveries++, item.message};
}

bool C2dRelay::settle(std::uint64_t ticket, hub_api::Outcome outcome) {
    auto node = delivered_.extract(ticket);
    if (node.empty()) return false;
    if (outcome == hub_api::Outcome::abandoned)
        waiting_.push_front(std::move(node.mapped()));
    else
        node.mapped().acknowledge();
    return true;
}

}  // namespace selvage::edge::hub
