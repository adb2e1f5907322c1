#include "edge/runtime/docker/describe.h"

#include <charconv>

#include "base/time_text.h"

namespace selvage::edge::runtime {
namespace {

using management::ModuleStatus;

ModuleStatus status_of(std::string_view state, std::int64_t exit_code) {
    if (state == "running") return ModuleStatus::running;
    if (state == "created" || state == "paused" || state == "restarting") return ModuleStatus::stopped;
    if (state == "exited" || state == "removing") return exit_code == 0 ? ModuleStatus::stopped : ModuleStatus::failed;
    if (state == "dead") return ModuleStatus::dead;
    return ModuleStatus::unknown;
}

// The engine writes the year 1 for "never".
std::optional<UtcTime> time_of(std::string_view text) {
    if (text.empty() || text.starts_with("0001-")) return std::nullopt;
    const auto time = from_iso8601(text);
    return time ? std::optional(*time) : std::nullopt;
}

}  // namespace

management::ModuleDetails describe_container(const JsonObject& inspected) {
    management::ModuleDetails details;
    std::string_view name = find_text(inspected, "Name");
    if (name.starts_with('/')) name.remove_prefix(1);
    details.name = name;
    details.image = name;
    details.image_hash = find_text(inspected, "Image");
    JsonObject labels;
    if (const JsonObject* config = find_object(inspected, "Config"))
        if (const JsonObject* given = find_object(*config, "Labels")) labels = *given;
    if (const auto image = find_text(labels, management::kOriginalImageLabel); !image.empty()) details.image = image;
    details.create_options["Labels"] = std::move(labels);

    const JsonObject* state = find_object(inspected, "State");
    if (state == nullptr) return details;
    const std::int64_t exit_code = find_integer(*state, "ExitCode");
    details.status = status_of(find_text(*state, "Status"), exit_code);
    details.start_time = time_of(find_text(*state, "StartedAt"));
    details.exit_time = time_of(find_text(*state, "FinishedAt"));
    if (details.exit_time) details.exit_code = exit_code;
    return details;
}

Result<std::vector<int>> process_ids(const JsonObject& top) {
    const JsonArray* titles = find_array(top, "Titles");
    const JsonArray* rows = find_array(top, "Processes");
    const Json* processes = find(top, "Processes");
    // Null: `ps` saw none of them, which happens just after a start.
    if (titles != nullptr && processes != nullptr && processes->is_null()) return std::vector<int>{};
    if (titles == nullptr || rows == nullptr) return fail(Errc::malformed, "the engine's process list has no Titles or Processes");
    std::size_t column = 0;
    while (column < titles->size() && !((*titles)[column].is_string() && (*titles)[column].as_string() == "PID")) ++column;
    if (column == titles->size()) return fail(Errc::malformed, "the engine's process list has no PID column");
    std::vector<int> pids;
    for (const Json& row : *rows) {
        if (!row.is_array() || row.as_array().size() <= column || !row.as_array()[column].is_string())
            return fail(Errc::malformed, "the engine's process list has a row without PID");
        const std::string_view text = row.as_array()[column].as_string();
        int pid = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
        if (error != std::errc() || end != text.data() + text.size())
            return fail(Errc::malformed, "the engine's process list has a PID that is no number");
        pids.push_back(pid);
    }
    return pids;
}

std::vector<Mount> mounts_of(const JsonObject& inspected) {
    std::vector<Mount> mounts;
    if (const JsonArray* list = find_array(inspected, "Mounts"))
        for (const Json& entry : *list)
            if (entry.is_object())
                mounts.push_back({std::string(find_text(entry.as_object(), "Source")),
                                  std::string(find_text(entry.as_object(), "Destination"))});
    return mounts;
}

int first_process(const JsonObject& inspected) {
    const JsonObject* state = find_object(inspected, "State");
    return state == nullptr ? 0 : static_cast<int>(find_integer(*state, "Pid"));
}

}  // namespace selvage::edge::runtime
