// What the management API is sent and what the engine answers. Input: a byte that chooses the parser, then its text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "edge/management/log_frames.h"
#include "edge/management/log_query.h"
#include "edge/management/module_details.h"
#include "edge/management/module_spec.h"
#include "edge/runtime/docker/describe.h"
#include "edge/runtime/docker/pull_progress.h"

namespace {

using namespace selvage;

// The same text wherever the parts are cut.
void check_frames(std::string_view bytes) {
    const auto text_in_steps = [bytes](std::size_t step) {
        edge::management::LogFrames frames;
        std::string text;
        for (std::size_t at = 0; at < bytes.size(); at += step)
            for (const auto& part : frames.feed(bytes.substr(at, step))) text += part.text;
        for (const auto& part : frames.finish()) text += part.text;
        return text;
    };
    SELVAGE_ASSERT(text_in_steps(1) == text_in_steps(bytes.size() + 1));
}

void check_json(std::string_view text) {
    const auto json = parse_json(text);
    if (!json) return;
    if (const auto spec = edge::management::parse_module_spec(*json)) {
        const auto again = edge::management::parse_module_spec(Json(edge::management::to_json(*spec)));
        SELVAGE_ASSERT(again && again->name == spec->name && again->env == spec->env);
    }
    ignore(edge::management::parse_module_details(*json), "only that it ends");
    ignore(edge::management::parse_module_identity(*json), "only that it ends");
    if (!json->is_object()) return;
    const auto details = edge::runtime::describe_container(json->as_object());
    SELVAGE_ASSERT(edge::management::parse_module_details(Json(edge::management::to_json(details))).has_value());
    ignore(edge::runtime::process_ids(json->as_object()), "only that it ends");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 4) {
        case 0: check_frames(text); break;
        case 1: check_json(text); break;
        case 2: ignore(edge::management::parse_moment(text, UtcTime{}), "only that it ends"); break;
        default: {
            edge::runtime::PullProgress progress;
            progress.feed(text);
            ignore(progress.finish(), "only that it ends");
        }
    }
    return 0;
}
