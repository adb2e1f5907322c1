// What back ends and edge hubs send: configuration content, identities, If-Match, auth chains. Content that was applied once
// must change nothing when it is applied again, or agents would see a new deployment.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "cloud/auth/chain.h"
#include "cloud/registry/etag.h"
#include "cloud/registry/identity_json.h"
#include "cloud/twins/configuration_content.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace selvage;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    cloud::registry::IfMatch::parse(text);
    cloud::registry::counter_of(text);
    if (const auto members = cloud::auth::split_chain(text)) {
        SELVAGE_ASSERT(members->size() <= cloud::auth::kChainMembersMax);
        ignore(cloud::auth::devices_of_chain(*members), "refusing is fine");
    }
    const auto object = parse_json_object(text);
    if (!object) return 0;
    if (const auto device = cloud::registry::read_device(*object, "d")) {
        ignore(cloud::registry::settle(device->authentication, nullptr, {.primary = "a", .secondary = "b"}), "refusing is fine");
    }
    const auto changes = cloud::twins::read_content(*object);
    if (!changes) return 0;
    for (const auto& change : *changes) {
        const auto once = cloud::twins::changed_document({}, change);
        SELVAGE_ASSERT(cloud::twins::changed_document(once, change) == once);
    }
    return 0;
}
