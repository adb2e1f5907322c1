#include "query/routes/route_table.h"

#include <algorithm>

namespace selvage::query {

Result<Route> compile_route(std::string_view name, std::string_view text, std::uint32_t priority,
                            std::chrono::seconds time_to_live) {
    SELVAGE_TRY(auto parsed, parse_route(text));
    if (parsed.condition != "true")
        return fail(Errc::unsupported, "conditions are not supported by this version: remove 'WHERE " + parsed.condition + "'");
    return Route{.name = std::string(name),
                 .source = SourcePattern(parsed.source),
                 .sink = std::move(parsed.sink),
                 .priority = priority,
                 .time_to_live = time_to_live};
}

std::vector<const Route*> RouteTable::match(const domain::Message& message) const {
    std::vector<const Route*> taken;
    const auto path = source_path(message);
    for (const auto& route : routes_) {
        if (!route.source.matches(path)) continue;
        const auto same_sink = std::find_if(taken.begin(), taken.end(),
                                            [&route](const Route* other) { return other->sink == route.sink; });
        if (same_sink == taken.end())
            taken.push_back(&route);
        else if (route.priority < (*same_sink)->priority)
            *same_sink = &route;
    }
    return taken;
}

}  // namespace selvage::query
