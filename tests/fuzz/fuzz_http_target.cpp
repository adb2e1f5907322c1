// A request target as it comes in a request line. What is accepted must survive being encoded and
// cut again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "net/http.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace selvage;
    const auto target = net::parse_target({reinterpret_cast<const char*>(data), size});
    if (!target) return 0;
    std::string text = "/";
    for (const auto& part : target->path)
        text += percent_encode(part) + "/";
    text += "?";
    for (const auto& [name, value] : target->query)
        text += percent_encode(name) + "=" + percent_encode(value) + "&";
    const auto again = net::parse_target(text);
    SELVAGE_ASSERT(again && again->path == target->path && again->query == target->query);
    return 0;
}
