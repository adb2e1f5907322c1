#include "edge/management/log_frames.h"

#include <algorithm>

namespace selvage::edge::management {
namespace {

constexpr std::size_t kHeadBytes = 8;

// Could these bytes begin a frame? Stream number, then three zeros, then the length (big-endian).
bool may_be_head(std::string_view bytes) {
    if (static_cast<unsigned char>(bytes[0]) > 2) return false;
    for (std::size_t i = 1; i < std::min<std::size_t>(bytes.size(), 4); ++i)
        if (bytes[i] != '\0') return false;
    return true;
}

}  // namespace

std::vector<LogPart> LogFrames::feed(std::string_view bytes) {
    std::vector<LogPart> parts;
    while (!bytes.empty()) {
        if (form_ == Form::raw) {
            parts.push_back({false, true, std::string(bytes)});
            return parts;
        }
        if (text_left_ == 0) {
            const std::size_t take = std::min(kHeadBytes - head_.size(), bytes.size());
            head_.append(bytes.substr(0, take));
            bytes.remove_prefix(take);
            if (!may_be_head(head_)) {
                // Without frames from the start, or no longer in step with them: what comes is shown as it is.
                form_ = Form::raw;
                parts.push_back({false, true, std::move(head_)});
                head_.clear();
                continue;
            }
            if (head_.size() < kHeadBytes) return parts;
            form_ = Form::framed;
            is_error_ = head_[0] == '\2';
            for (std::size_t i = 4; i < kHeadBytes; ++i)
                text_left_ = text_left_ << 8 | static_cast<unsigned char>(head_[i]);
            begins_frame_ = true;
            head_.clear();
            continue;
        }
        const std::size_t take = std::min<std::size_t>(text_left_, bytes.size());
        parts.push_back({is_error_, begins_frame_, std::string(bytes.substr(0, take))});
        begins_frame_ = false;
        text_left_ -= static_cast<std::uint32_t>(take);
        bytes.remove_prefix(take);
    }
    return parts;
}

std::vector<LogPart> LogFrames::finish() {
    if (head_.empty() || form_ == Form::framed) return {};
    std::vector<LogPart> parts{{false, true, std::move(head_)}};
    head_.clear();
    return parts;
}

}  // namespace selvage::edge::management
