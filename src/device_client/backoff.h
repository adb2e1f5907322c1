// How long to wait before the next attempt: full jitter. A random part of a bound that doubles, so that a fleet that lost its
// hub at one moment does not come back at one moment.
#pragma once

#include <algorithm>

#include "base/clock.h"
#include "base/random.h"

namespace selvage::device_client {

class Backoff {
public:
    Backoff(Duration first, Duration longest) : first_(first), longest_(longest), bound_(first) {}

    Duration next(Random& random) {
        const auto bound = bound_;
        bound_ = std::min(bound_ * 2, longest_);
        return std::chrono::duration_cast<Duration>(bound * random.fraction());
    }
    void reset() { bound_ = first_; }

private:
    Duration first_;
    Duration longest_;
    Duration bound_;
};

}  // namespace selvage::device_client
