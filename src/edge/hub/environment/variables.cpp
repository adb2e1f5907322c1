#include "edge/hub/environment/variables.h"

#include <charconv>

#include "base/encoding.h"

namespace selvage::edge::hub {
namespace {

std::string plain_name(std::string_view name) {
    auto plain = to_lower(name);
    for (auto at = plain.find("__"); at != plain.npos; at = plain.find("__", at + 1)) plain.replace(at, 2, ":");
    return plain;
}

bool parse_number(std::string_view text, std::int64_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Variables::Variables(const std::vector<std::pair<std::string, std::string>>& environment) {
    for (const auto& [name, value] : environment) values_[plain_name(name)] = value;
}

std::string Variables::text(std::string_view name, std::string_view otherwise) const {
    const auto found = values_.find(plain_name(name));
    return found == values_.end() || found->second.empty() ? std::string(otherwise) : found->second;
}

Result<std::int64_t> Variables::number(std::string_view name, std::int64_t otherwise, std::int64_t min,
                                       std::int64_t max) const {
    const auto value = text(name);
    if (value.empty()) return otherwise;
    std::int64_t number = 0;
    if (!parse_number(trim(value), number) || number < min || number > max)
        return fail(Errc::invalid_argument, std::string(name) + "=" + value + ": must be a whole number from " +
                                                std::to_string(min) + " to " + std::to_string(max));
    return number;
}

Result<bool> Variables::flag(std::string_view name, bool otherwise) const {
    const auto value = text(name);
    if (value.empty()) return otherwise;
    if (equals_ignoring_case(trim(value), "true")) return true;
    if (equals_ignoring_case(trim(value), "false")) return false;
    return fail(Errc::invalid_argument, std::string(name) + "=" + value + ": must be true or false");
}

Result<std::chrono::seconds> Variables::seconds(std::string_view name, std::chrono::seconds otherwise) const {
    SELVAGE_TRY(const auto count, number(name, otherwise.count(), 0, 100LL * 365 * 24 * 3600));
    return std::chrono::seconds(count);
}

Result<std::chrono::seconds> Variables::duration(std::string_view name, std::chrono::seconds otherwise) const {
    const auto value = text(name);
    const auto first = value.find(':');
    if (first == value.npos) return seconds(name, otherwise);
    const auto second = value.find(':', first + 1);
    std::int64_t hours = 0, minutes = 0, rest = 0;
    const std::string_view view = value;
    if (second == value.npos || !parse_number(view.substr(0, first), hours) ||
        !parse_number(view.substr(first + 1, second - first - 1), minutes) || !parse_number(view.substr(second + 1), rest) ||
        hours < 0 || hours > 24 * 365 || minutes < 0 || minutes > 59 || rest < 0 || rest > 59)
        return fail(Errc::invalid_argument, std::string(name) + "=" + value + ": must be hh:mm:ss");
    return std::chrono::hours(hours) + std::chrono::minutes(minutes) + std::chrono::seconds(rest);
}

}  // namespace selvage::edge::hub
