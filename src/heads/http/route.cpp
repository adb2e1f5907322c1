#include "heads/http/route.h"

#include "base/encoding.h"

namespace selvage::heads::http {

namespace {

bool is(const std::string& part, std::string_view literal) { return equals_ignoring_case(part, literal); }

Resource below_messages(std::span<const std::string> rest, std::string& lock_token) {
    if (rest.size() == 1 && is(rest[0], "events")) return Resource::events;
    if (rest.empty() || !is(rest[0], "devicebound")) return Resource::unknown;
    if (rest.size() == 1) return Resource::devicebound;
    lock_token = rest[1];
    if (rest.size() == 2) return Resource::locked;
    return rest.size() == 3 && is(rest[2], "abandon") ? Resource::abandon : Resource::unknown;
}

}  // namespace

std::optional<Route> route_of(const net::HttpTarget& target) {
    std::span<const std::string> rest = target.path;
    if (rest.size() < 3 || !is(rest[0], "devices")) return std::nullopt;
    Route route{.identity = domain::Identity::of_device(rest[1])};
    rest = rest.subspan(2);
    const bool module = rest.size() >= 3 && is(rest[0], "modules");
    if (module) {
        route.identity.module = rest[1];
        rest = rest.subspan(2);
    }
    if (is(rest[0], "messages")) {
        route.resource = below_messages(rest.subspan(1), route.lock_token);
        // Modules have no mailbox.
        if (module && route.resource != Resource::events) route.resource = Resource::unknown;
        return route;
    }
    if (module || !is(rest[0], "files")) return std::nullopt;
    if (rest.size() == 1) route.resource = Resource::files;
    const bool outcome = rest.size() >= 2 && rest.size() <= 3 && is(rest[1], "notifications");
    if (outcome) route.resource = Resource::file_outcome;
    if (outcome && rest.size() == 3) route.correlation_id = rest[2];
    return route;
}

}  // namespace selvage::heads::http
