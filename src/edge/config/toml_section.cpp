#include "edge/config/toml_section.h"

#include <sstream>
#include <stdexcept>

namespace selvage::edge::config {
namespace {

constexpr std::size_t kTextBytesMax = 1 << 20;

Json leaf_to_json(const toml::node& node) {
    if (const auto* text = node.as_string()) return Json(text->get());
    if (const auto* number = node.as_integer()) return Json(number->get());
    if (const auto* real = node.as_floating_point()) return Json(real->get());
    if (const auto* flag = node.as_boolean()) return Json(flag->get());
    std::ostringstream date;
    if (const auto* value = node.as_date()) date << *value;
    if (const auto* value = node.as_time()) date << *value;
    if (const auto* value = node.as_date_time()) date << *value;
    return Json(date.str());
}

}  // namespace

Json to_json(const toml::node& node) {
    if (const toml::table* table = node.as_table()) {
        JsonObject object;
        for (const auto& [key, value] : *table) object[key.str()] = to_json(value);
        return object;
    }
    if (const toml::array* array = node.as_array()) {
        JsonArray list;
        for (const toml::node& value : *array) list.push_back(to_json(value));
        return list;
    }
    return leaf_to_json(node);
}

Result<toml::table> parse_toml(std::string_view text) {
    if (text.size() > kTextBytesMax) return fail(Errc::malformed, "a configuration of more than 1 MiB");
    try {
        toml::parse_result parsed = toml::parse(text);
        if (parsed) return std::move(parsed).table();
        // The parser quotes the offending text only in parts that are syntax, never whole values.
        const toml::parse_error& error = parsed.error();
        return fail(Errc::malformed, fmt::format("line {}, column {}: {}", error.source().begin.line,
                                                 error.source().begin.column, error.description()));
    } catch (const std::logic_error&) {
        return fail(Errc::malformed, "a table header or key begins with a character that cannot stand there");
    }
}

}  // namespace selvage::edge::config
