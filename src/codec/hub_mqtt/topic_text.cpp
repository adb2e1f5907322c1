#include "codec/hub_mqtt/topic_text.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "codec/mqtt/text.h"

namespace selvage::codec::hub_mqtt {

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

std::string decode_leniently(std::string_view text) {
    if (text.find('%') == std::string_view::npos) return std::string(text);
    const std::string_view whole = text;
    std::string decoded;
    decoded.reserve(text.size());
    while (!text.empty()) {
        if (const auto escape = percent_decode(text.substr(0, 3)); text.front() == '%' && escape) {
            decoded += *escape;
            text.remove_prefix(3);
            continue;
        }
        const auto next = text.find('%', 1);
        decoded += text.substr(0, next);
        text.remove_prefix(std::min(next, text.size()));
    }
    return mqtt::is_utf8(decoded) ? decoded : std::string(whole);
}

std::string encode_level(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool breaks_topic = c == '/' || c == '+' || c == '#' || c == '?' || c == '%' || static_cast<unsigned char>(c) < 0x20;
        if (breaks_topic) out += percent_encode(std::string_view(&c, 1));
        else out += c;
    }
    return out;
}

std::string topic_base(const domain::Identity& identity) {
    std::string base = "devices/" + identity.device;
    if (identity.is_module()) base += "/modules/" + identity.module;
    return base;
}

std::optional<domain::Identity> take_identity(std::string_view& topic) {
    std::string_view rest = topic;
    if (!take_prefix(rest, "devices/")) return std::nullopt;
    const auto take_id = [&rest] {
        const auto slash = rest.find('/');
        if (slash == std::string_view::npos) return std::string_view{};
        const auto id = rest.substr(0, slash);
        rest.remove_prefix(slash + 1);
        return id;
    };
    domain::Identity identity;
    identity.device = take_id();
    if (identity.device.empty()) return std::nullopt;
    if (take_prefix(rest, "modules/")) {
        identity.module = take_id();
        if (identity.module.empty()) return std::nullopt;
    }
    topic = rest;
    return identity;
}

std::optional<std::string_view> query_value(std::string_view query, std::string_view name) {
    if (!take_prefix(query, "?")) return std::nullopt;
    while (!query.empty()) {
        const auto end = query.find('&');
        std::string_view pair = query.substr(0, end);
        query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
        if (!take_prefix(pair, "$") && !take_prefix(pair, "%24")) continue;
        if (take_prefix(pair, name) && take_prefix(pair, "=")) return pair;
    }
    return std::nullopt;
}

std::optional<std::int64_t> to_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace selvage::codec::hub_mqtt
