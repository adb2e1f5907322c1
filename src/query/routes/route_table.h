// All routes of a configuration, and the question they answer: where does this message go?
//
// Immutable once built; any thread. Wire: docs/wire/routes.md#evaluation.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "query/routes/route.h"

namespace selvage::query {

// Smaller is more urgent. Users may say 0 to 9; a route that says nothing has the default.
// Wire: docs/wire/routes.md#evaluation.
inline constexpr std::uint32_t kDefaultPriority = 2'000'000'000;

struct Route {
    std::string name;
    SourcePattern source;
    Sink sink;
    std::uint32_t priority = kDefaultPriority;
    std::chrono::seconds time_to_live{0};      // 0: the hub's own
};

// Errors: those of parse_route; unsupported when the route has a condition.
Result<Route> compile_route(std::string_view name, std::string_view text, std::uint32_t priority = kDefaultPriority,
                            std::chrono::seconds time_to_live = std::chrono::seconds(0));

class RouteTable {
public:
    RouteTable() = default;
    explicit RouteTable(std::vector<Route> routes) : routes_(std::move(routes)) {}

    // One route for each sink that wants the message: among several, the one with the lowest priority number.
    std::vector<const Route*> match(const domain::Message& message) const;

    const std::vector<Route>& routes() const { return routes_; }

private:
    std::vector<Route> routes_;
};

}  // namespace selvage::query
