#include "cloud/registry/etag.h"

#include <charconv>

#include "base/encoding.h"

namespace selvage::cloud::registry {

IfMatch IfMatch::parse(std::string_view header) {
    header = trim(header);
    if (header.size() >= 2 && header.front() == '"' && header.back() == '"') {
        header.remove_prefix(1);
        header.remove_suffix(1);
    }
    if (header.empty()) return {};
    if (header == "*") return {.kind = Kind::any, .tag = {}};
    return {.kind = Kind::tag, .tag = std::string(header)};
}

std::string identity_etag(std::uint64_t counter) {
    return to_base64(std::to_string(counter));
}

std::optional<std::uint64_t> counter_of(std::string_view tag) {
    const auto text = from_base64(tag);
    if (!text || text->empty()) return std::nullopt;
    std::uint64_t counter = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), counter);
    if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
    return counter;
}

}  // namespace selvage::cloud::registry
