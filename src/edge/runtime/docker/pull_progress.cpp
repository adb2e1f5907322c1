#include "edge/runtime/docker/pull_progress.h"

#include "base/encoding.h"
#include "base/json.h"

namespace selvage::edge::runtime {
namespace {
constexpr std::size_t kLineBytesMax = 64 * 1024;
}

void PullProgress::feed(std::string_view part) {
    while (!part.empty()) {
        const auto end = part.find('\n');
        const std::string_view piece = part.substr(0, end);
        if (line_.size() + piece.size() > kLineBytesMax) overlong_ = true;
        if (!overlong_) line_.append(piece);
        if (end == std::string_view::npos) return;
        part.remove_prefix(end + 1);
        read_line();
    }
}

Result<> PullProgress::finish() {
    read_line();
    if (!error_.empty()) return fail(Errc::internal, error_);
    return {};
}

void PullProgress::read_line() {
    const bool readable = !overlong_ && !trim(line_).empty();
    if (const auto document = readable ? parse_json_object(trim(line_)) : Result<JsonObject>()) {
        if (const JsonObject* detail = find_object(*document, "errorDetail"))
            error_ = find_text(*detail, "message", "the pull failed");
        else if (const auto text = find_text(*document, "error"); !text.empty())
            error_ = text;
    }
    line_.clear();
    overlong_ = false;
}

}  // namespace selvage::edge::runtime
