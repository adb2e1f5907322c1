#include "edge/hub/store/settled_window.h"

#include <algorithm>

namespace selvage::edge::hub {

bool SettledWindow::is_settled(storage::Offset offset) const {
    if (offset < cursor_) return true;
    const auto index = offset - cursor_;
    return index < ahead_.size() && ahead_[index];
}

void SettledWindow::settle_range(storage::Offset from, storage::Offset to) {
    from = std::max(from, cursor_);
    if (from >= to) return;
    if (ahead_.size() < to - cursor_) ahead_.resize(to - cursor_, false);
    for (auto offset = from; offset < to; ++offset) ahead_[offset - cursor_] = true;
    while (!ahead_.empty() && ahead_.front()) {
        ahead_.pop_front();
        ++cursor_;
    }
}

}  // namespace selvage::edge::hub
