#include "edge/hub/configuration/hub_configuration.h"

#include <algorithm>
#include <limits>

#include "base/encoding.h"

namespace selvage::edge::hub {
namespace {

constexpr std::int64_t kUint32Max = 4'294'967'295;

// The reference reads names in any case. Wire: docs/wire/edge-hub.md#configuration.
const Json* find_any_case(const JsonObject& object, std::string_view key) {
    if (const auto* exact = find(object, key)) return exact;
    for (const auto& member : object)
        if (equals_ignoring_case(member.key(), key)) return &member.value();
    return nullptr;
}

struct SchemaVersion {
    int major = 0;
    int minor = 0;
};

// Two to four numbers with dots between.
std::optional<SchemaVersion> parse_version(std::string_view text) {
    std::vector<int> numbers;
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const auto dot = std::min(text.find('.', begin), text.size());
        const auto part = text.substr(begin, dot - begin);
        if (part.empty() || part.size() > 9) return std::nullopt;
        int number = 0;
        for (const char c : part) {
            if (c < '0' || c > '9') return std::nullopt;
            number = number * 10 + (c - '0');
        }
        numbers.push_back(number);
        begin = dot + 1;
    }
    if (numbers.size() < 2 || numbers.size() > 4) return std::nullopt;
    return SchemaVersion{numbers[0], numbers[1]};
}

Result<SchemaVersion> schema_version(const JsonObject& desired) {
    const auto* found = find_any_case(desired, "schemaVersion");
    if (found == nullptr) return fail(Errc::invalid_argument, "EdgeHub config missing SchemaVersion");
    const auto text = found->is_string() ? std::string(found->as_string()) : to_text(*found);
    const auto version = parse_version(text);
    if (!version)
        return fail(Errc::invalid_argument, "Error parsing schema version string: " + text +
                                                ", Exception: it must be two to four numbers with dots between, such as 1.1");
    if (version->major != 1 || version->minor > 3)
        return fail(Errc::unsupported, "EdgeHub config contains unsupported SchemaVersion: " + text);
    return *version;
}

struct RouteSpec {
    std::string route;
    std::uint32_t priority = query::kDefaultPriority;
    std::chrono::seconds time_to_live{0};
};

Result<std::int64_t> unsigned_member(const JsonObject& object, std::string_view key, std::int64_t otherwise) {
    const auto* found = find_any_case(object, key);
    if (found == nullptr) return otherwise;
    std::int64_t number = -1;
    if (found->is_int64()) number = found->as_int64();
    if (found->is_uint64() && found->as_uint64() <= static_cast<std::uint64_t>(kUint32Max))
        number = static_cast<std::int64_t>(found->as_uint64());
    if (number < 0 || number > kUint32Max)
        return fail(Errc::invalid_argument, "'" + std::string(key) + "' must be a whole number from 0 to 4294967295, not " +
                                                to_text(*found));
    return number;
}

Result<RouteSpec> route_spec(std::string_view name, const Json& value) {
    RouteSpec spec;
    if (value.is_string()) {
        spec.route = value.as_string();
    } else if (value.is_object()) {
        const auto& object = value.as_object();
        if (const auto* route = find_any_case(object, "route"); route != nullptr && route->is_string())
            spec.route = route->as_string();
        SELVAGE_TRY(const auto priority, unsigned_member(object, "priority", query::kDefaultPriority));
        SELVAGE_TRY(const auto seconds, unsigned_member(object, "timeToLiveSecs", 0));
        if (priority > 9 && priority != query::kDefaultPriority)
            return fail(Errc::invalid_argument,
                        "Invalid priority for route: " + spec.route + ", priority can only be between 0-9");
        spec.priority = static_cast<std::uint32_t>(priority);
        spec.time_to_live = std::chrono::seconds(seconds);
    } else {
        return fail(Errc::invalid_argument,
                    "Malformed route specification: \"" + std::string(name) + "\": " + to_text(value));
    }
    return spec;
}

Result<> add_route(std::string_view name, const Json& value, bool with_priorities, HubConfiguration& configuration,
                   std::vector<query::Route>& routes) {
    if (trim(name).empty()) return fail(Errc::invalid_argument, "Empty route name in \"\": " + to_text(value));
    if (!with_priorities && !value.is_string()) {
        if (value.is_null()) return {};
        return fail(Errc::invalid_argument, "route " + std::string(name) + " must be a string under schemaVersion 1.0");
    }
    SELVAGE_TRY(const auto spec, route_spec(name, value));
    if (trim(spec.route).empty()) {
        if (!with_priorities) return {};
        return fail(Errc::invalid_argument, "Error parsing route " + std::string(name) + " - the route is empty");
    }
    auto route = query::compile_route(name, spec.route, spec.priority, spec.time_to_live);
    if (!route)
        return fail(route.error().code, "Error parsing route " + std::string(name) + " - " + route.error().detail);
    if (const auto parsed = query::parse_route(spec.route); parsed && !parsed->ignored.empty())
        configuration.warnings.push_back("route " + std::string(name) + ": the text behind its sink has no effect: " +
                                         parsed->ignored);
    routes.push_back(*std::move(route));
    return {};
}

Result<> read_routes(const JsonObject& desired, bool with_priorities, HubConfiguration& configuration) {
    const auto* routes = find_any_case(desired, "routes");
    if (routes == nullptr || routes->is_null()) {
        if (!with_priorities) return {};
        return fail(Errc::invalid_argument, "Value cannot be null. (Parameter 'routes')");
    }
    if (!routes->is_object()) return fail(Errc::invalid_argument, "'routes' must be an object of names and routes");
    std::vector<query::Route> compiled;
    for (const auto& member : routes->as_object())
        SELVAGE_CHECK(add_route(member.key(), member.value(), with_priorities, configuration, compiled));
    configuration.routes = query::RouteTable(std::move(compiled));
    return {};
}

Result<> read_time_to_live(const JsonObject& desired, bool required, HubConfiguration& configuration) {
    configuration.time_to_live = std::chrono::seconds(0);
    const auto* found = find_any_case(desired, "storeAndForwardConfiguration");
    if (found == nullptr || found->is_null()) {
        if (!required) {
            // Nothing was said at all: keep for ever rather than lose.
            configuration.time_to_live = std::nullopt;
            return {};
        }
        return fail(Errc::invalid_argument, "Value cannot be null. (Parameter 'storeAndForwardConfiguration')");
    }
    if (!found->is_object()) return fail(Errc::invalid_argument, "'storeAndForwardConfiguration' must be an object");
    const auto* seconds = find_any_case(found->as_object(), "timeToLiveSecs");
    if (seconds == nullptr) return {};
    constexpr std::int64_t kMax = std::numeric_limits<std::int32_t>::max();
    if (!seconds->is_int64() || seconds->as_int64() > kMax || seconds->as_int64() < -kMax - 1)
        return fail(Errc::invalid_argument,
                    "'storeAndForwardConfiguration.timeToLiveSecs' must be a whole number of 32 bits, not " + to_text(*seconds));
    if (seconds->as_int64() < 0)
        configuration.time_to_live = std::nullopt;
    else
        configuration.time_to_live = std::chrono::seconds(seconds->as_int64());
    return {};
}

}  // namespace

Result<HubConfiguration> parse_configuration(const JsonObject& desired) {
    HubConfiguration configuration;
    SELVAGE_TRY(const auto version, schema_version(desired));
    const bool with_priorities = version.minor >= 1;
    SELVAGE_CHECK(read_routes(desired, with_priorities, configuration));
    SELVAGE_CHECK(read_time_to_live(desired, with_priorities, configuration));
    return configuration;
}

}  // namespace selvage::edge::hub
