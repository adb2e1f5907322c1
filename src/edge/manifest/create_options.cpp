// createOptions: the body of Docker's create call, carried in a twin as text that may be cut into numbered chunks.
#include <charconv>

#include "edge/manifest/field.h"
#include "edge/manifest/module_entry.h"

namespace selvage::edge::manifest {
namespace {

constexpr std::string_view kName = "createOptions";
constexpr std::size_t kChunkUnits = 512;   // UTF-16 code units, as the reference cuts
constexpr std::size_t kChunksMax = 100;

bool is_chunk_name(std::string_view key) {
    return key.size() >= kName.size() && equals_ignoring_case(key.substr(0, kName.size()), kName);
}

// Docker refuses these with words that do not name the manifest, so they are checked here.
Result<> check_types(const JsonObject& options, std::string_view path) {
    struct Row { const char* name; bool is_array; };
    static constexpr Row kRows[] = {{"Env", true}, {"HostConfig", false}, {"NetworkingConfig", false}, {"Labels", false},
                                    {"ExposedPorts", false}};
    for (const auto& row : kRows) {
        const Json* value = member(options, row.name);
        if (value == nullptr || value->is_null()) continue;
        if (row.is_array ? !value->is_array() : !value->is_object())
            return refuse(at(path, row.name), row.is_array ? "must be an array" : "must be an object");
    }
    if (const Json* env = member(options, "Env"); env != nullptr && env->is_array())
        for (const Json& item : env->get_array())
            if (!item.is_string()) return refuse(at(path, "Env"), "must hold texts of the form NAME=value");
    return {};
}

// How many UTF-16 units the UTF-8 character at `lead` takes, and how many bytes.
std::pair<std::size_t, std::size_t> measure(unsigned char lead) {
    if (lead < 0x80) return {1, 1};
    if (lead < 0xe0) return {1, 2};
    if (lead < 0xf0) return {1, 3};
    return {2, 4};
}

void sort_members(Json& value) {
    if (auto* array = value.if_array())
        for (Json& item : *array) sort_members(item);
    auto* object = value.if_object();
    if (object == nullptr) return;
    std::map<std::string, Json> sorted;
    for (auto& entry : *object) {
        sort_members(entry.value());
        sorted.emplace(entry.key(), std::move(entry.value()));
    }
    object->clear();
    for (auto& [key, item] : sorted) object->emplace(key, std::move(item));
}

}  // namespace

Result<JsonObject> parse_create_options(const JsonObject& settings, std::string_view path) {
    // Ordered without case, as the reference reads them; position i must carry number i, position 0 none.
    std::map<std::string, const Json*> chunks;
    for (const auto& entry : settings) {
        const std::string_view key = entry.key();
        if (is_chunk_name(key) && !chunks.emplace(to_lower(key), &entry.value()).second)
            return refuse(at(path, key), "is given twice");
    }
    std::string joined;
    std::size_t position = 0;
    for (const auto& [key, value] : chunks) {
        const std::string_view number = std::string_view(key).substr(kName.size());
        std::size_t parsed = 0;
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), parsed);
        const bool numbered = error == std::errc{} && end == number.data() + number.size();
        if (position == 0 ? !number.empty() : (!numbered || parsed != position))
            return refuse(at(path, kName),
                          position == 0
                              ? fmt::format("the first chunk must be plain createOptions, but found number \"{}\"", number)
                              : fmt::format("chunk createOptions{:02} is missing, found createOptions{}", position, number));
        if (position == kChunksMax) break;
        if (value->is_string()) joined += std::string_view(value->get_string());
        else if (!value->is_null()) joined += to_text(*value);
        ++position;
    }
    const std::string_view whole = trim(joined);
    if (whole.empty() || equals_ignoring_case(whole, "null")) return JsonObject{};
    auto parsed = parse_json_object(whole);
    if (!parsed) return refuse(at(path, kName), parsed.error().detail);
    SELVAGE_CHECK(check_types(*parsed, at(path, kName)));
    return std::move(*parsed);
}

void add_chunked_create_options(const JsonObject& create_options, JsonObject& settings) {
    const std::string whole = to_text(create_options);
    std::string_view rest = whole;
    for (std::size_t n = 0; n == 0 || (!rest.empty() && n < kChunksMax); ++n) {
        std::size_t bytes = 0;
        for (std::size_t units = 0; bytes < rest.size();) {
            const auto [more_units, more_bytes] = measure(static_cast<unsigned char>(rest[bytes]));
            if (units + more_units > kChunkUnits) break;
            units += more_units;
            bytes = std::min(bytes + more_bytes, rest.size());
        }
        settings[n == 0 ? std::string(kName) : fmt::format("{}{:02}", kName, n)] = boost::json::string_view(rest.data(), bytes);
        rest.remove_prefix(bytes);
    }
}

std::string canonical_text(const Json& value) {
    Json sorted = value;
    sort_members(sorted);
    return to_text(sorted);
}

}  // namespace selvage::edge::manifest
