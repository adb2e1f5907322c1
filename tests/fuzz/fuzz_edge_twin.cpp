// A twin as the edge hub holds it between its own clients and the hub above. Input: texts, the first character says which: T the
// document from above, D a desired patch, R a client's change, A what the hub above took, G what it refused, S a stored twin.
// At all times what clients see is what the hub above has with what waits on top.
#include <cstdint>
#include <string>

#include "domain/twin.h"
#include "edge/hub/twins/cached_twin.h"
#include "rig/input.h"

namespace {

using namespace selvage;
using edge::hub::CachedTwin;

void check(const CachedTwin& twin) {
    JsonObject shown = twin.reported_above;
    domain::merge_patch(shown, twin.pending);
    SELVAGE_ASSERT(shown == twin.reported);
    const auto read = CachedTwin::from_stored_text(twin.to_stored_text());
    SELVAGE_ASSERT(read && read->reported == twin.reported && read->desired == twin.desired && read->pending == twin.pending);
    SELVAGE_ASSERT(read->reported_version == domain::bounded_version(twin.reported_version));
    SELVAGE_ASSERT(read->desired_version == twin.desired_version);
    SELVAGE_ASSERT(parse_json_object(twin.document()).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    CachedTwin twin;
    for (const auto part : fuzz::parts_of(fuzz::text_of(data, size))) {
        if (part.empty()) continue;
        const auto text = part.substr(1);
        if (part.front() == 'T') ignore(twin.take_document(text), "refusing is fine");
        if (part.front() == 'S')
            if (auto stored = CachedTwin::from_stored_text(text)) twin = *std::move(stored);
        if (part.front() == 'A') twin.acknowledged(JsonObject(twin.pending), {}, static_cast<std::int64_t>(text.size()));
        if (part.front() == 'G') twin.give_up_pending({});
        const auto patch = parse_json_object(text, edge::hub::kDesiredDepthMax);
        if (patch && part.front() == 'D') twin.patch_desired(domain::without_read_only(*patch), find_integer(*patch, "$version"));
        // Clients' changes are checked before they come here.
        if (patch && part.front() == 'R' && domain::check_section(*patch, domain::TwinLimits{})) twin.report(*patch);
        check(twin);
    }
    return 0;
}
