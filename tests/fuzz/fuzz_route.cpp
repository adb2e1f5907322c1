// Routes come from a deployment: text from outside.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "query/routes/route.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto route = selvage::query::parse_route(text);
    if (route) {
        // What was cut must be part of the text.
        SELVAGE_ASSERT(route->condition == "true" || text.find(route->condition) != text.npos);
        static_cast<void>(selvage::query::SourcePattern(route->source).matches("/messages/modules/m/outputs/o"));
    }
    return 0;
}
