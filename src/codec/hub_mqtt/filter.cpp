// Topic filters that clients subscribe with: docs/wire/mqtt.md#filters.
#include "codec/hub_mqtt/hub_mqtt.h"
#include "codec/hub_mqtt/topic_text.h"

namespace selvage::codec::hub_mqtt {
namespace {

// "#", or one name and "#": a client that wants a single method or input.
bool is_all_or_one(std::string_view rest) {
    if (rest == "#") return true;
    const auto slash = rest.find('/');
    return slash != std::string_view::npos && slash > 0 && rest.substr(slash) == "/#" && rest.front() != '+';
}

}  // namespace

FilterKind classify_filter(std::string_view filter, const domain::Identity& identity) {
    if (filter == "$iothub/twin/res/#") return FilterKind::twin_answers;
    if (filter == "$iothub/twin/PATCH/properties/desired/#") return FilterKind::desired;
    if (take_prefix(filter, "$iothub/methods/POST/")) return is_all_or_one(filter) ? FilterKind::methods : FilterKind::unknown;
    if (!take_prefix(filter, topic_base(identity)) || !take_prefix(filter, "/")) return FilterKind::unknown;
    if (!identity.is_module()) return filter == "messages/devicebound/#" ? FilterKind::c2d : FilterKind::unknown;
    // `…/modules/m/#` is what the C and C# SDKs write for their inputs.
    if (filter == "#" || (take_prefix(filter, "inputs/") && is_all_or_one(filter))) return FilterKind::inputs;
    return FilterKind::unknown;
}

std::string filter_for(FilterKind kind, const domain::Identity& identity) {
    switch (kind) {
        case FilterKind::c2d: return topic_base(identity) + "/messages/devicebound/#";
        case FilterKind::inputs: return topic_base(identity) + "/inputs/#";
        case FilterKind::twin_answers: return "$iothub/twin/res/#";
        case FilterKind::desired: return "$iothub/twin/PATCH/properties/desired/#";
        case FilterKind::methods: return "$iothub/methods/POST/#";
        case FilterKind::unknown: break;
    }
    return {};
}

}  // namespace selvage::codec::hub_mqtt
