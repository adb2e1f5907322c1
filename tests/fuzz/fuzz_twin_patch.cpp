// Lines of text as patches of a twin, one after the other. A patch is refused and changes nothing, or the values are the
// merge, fit the limits, and have metadata that mirrors them.
#include "domain/twin.h"

namespace {

using namespace selvage;
using namespace selvage::domain;

void assert_mirror(const JsonObject& values, const JsonObject& metadata) {
    SELVAGE_ASSERT(metadata.size() == values.size() + 2);
    for (const auto& [key, value] : values) {
        const JsonObject* inner = find_object(metadata, key);
        SELVAGE_ASSERT(inner != nullptr && !value.is_null());
        assert_mirror(value.is_object() ? value.get_object() : JsonObject{}, *inner);
    }
}

void apply(TwinSection& section, const JsonObject& patch, const TwinLimits& limits) {
    const TwinSection before = section;
    const UtcTime now{std::chrono::milliseconds(section.version)};
    if (!patch_section(section, patch, SectionKind::desired, limits, now)) {
        SELVAGE_ASSERT(section.values == before.values && section.metadata == before.metadata);
        SELVAGE_ASSERT(section.version == before.version);
        return;
    }
    SELVAGE_ASSERT(section.version == before.version + 1);
    SELVAGE_ASSERT(counted_bytes(section.values) <= limits.section_bytes_max);
    assert_mirror(section.values, section.metadata);
    JsonObject merged = before.values;
    merge_patch(merged, difference(before.values, section.values));
    SELVAGE_ASSERT(merged == section.values);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    Twin twin = new_twin(UtcTime{});
    const TwinLimits limits{.section_bytes_max = 2048, .string_bytes_max = 256, .key_bytes_max = 64};
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (const auto patch = parse_json_object(text.substr(0, end))) apply(twin.desired, *patch, limits);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    const auto read = twin_from_json(to_json(twin));
    SELVAGE_ASSERT(read && read->desired.values == twin.desired.values);
    return 0;
}
