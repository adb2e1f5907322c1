#include <algorithm>

#include "base/encoding.h"
#include "net/http.h"

namespace selvage::net {
namespace {

Result<std::string> decode(std::string_view part) {
    SELVAGE_TRY(auto text, percent_decode(part));
    // Names go on to files, databases and C libraries, where a NUL would cut them short.
    if (text.find('\0') != std::string::npos)
        return fail(Errc::malformed, "the target holds a NUL");
    return text;
}

// "http://host/path" is cut to "/path": RFC 9112 3.2.2 has servers accept it.
Result<std::string_view> origin_form(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (target.size() < scheme.size() ||
            !equals_ignoring_case(target.substr(0, scheme.size()), scheme))
            continue;
        const auto end = target.find_first_of("/?", scheme.size());
        return end == std::string_view::npos ? std::string_view("/") : target.substr(end);
    }
    if (target.starts_with('/') || target.starts_with('?')) return target;
    return fail(Errc::malformed, "the target does not begin with '/'");
}

}  // namespace

std::string_view HttpHeaders::get(std::string_view name) const {
    for (const auto& [field, value] : fields)
        if (equals_ignoring_case(field, name)) return value;
    return {};
}

bool HttpHeaders::has(std::string_view name) const {
    return std::ranges::any_of(
        fields, [&](const auto& field) { return equals_ignoring_case(field.first, name); });
}

void HttpHeaders::set(std::string_view name, std::string_view value) {
    // The value may be a view of one of the fields that go.
    std::string kept(value);
    std::erase_if(fields,
                  [&](const auto& field) { return equals_ignoring_case(field.first, name); });
    fields.emplace_back(name, std::move(kept));
}

void HttpHeaders::add(std::string_view name, std::string_view value) {
    fields.emplace_back(name, value);
}

const std::string* HttpTarget::get(std::string_view name) const {
    const std::string* found = nullptr;
    for (const auto& [key, value] : query)
        if (key == name) found = &value;
    return found;
}

Result<HttpTarget> parse_target(std::string_view target) {
    SELVAGE_TRY(const auto origin, origin_form(target));
    HttpTarget out;
    const auto mark = origin.find('?');
    auto path = origin.substr(0, mark);
    if (path.starts_with('/')) path.remove_prefix(1);
    while (!path.empty()) {
        const auto end = path.find('/');
        SELVAGE_TRY(auto part, decode(path.substr(0, end)));
        out.path.push_back(std::move(part));
        path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
    }
    auto query = mark == std::string_view::npos ? std::string_view() : origin.substr(mark + 1);
    while (!query.empty()) {
        const auto end = query.find('&');
        const auto pair = query.substr(0, end);
        query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        SELVAGE_TRY(auto name, decode(pair.substr(0, equals)));
        SELVAGE_TRY(auto value, decode(equals == std::string_view::npos ? std::string_view()
                                                                        : pair.substr(equals + 1)));
        out.query.emplace_back(std::move(name), std::move(value));
    }
    return out;
}

}  // namespace selvage::net
