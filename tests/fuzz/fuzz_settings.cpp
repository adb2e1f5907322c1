// What operators write and what programs find in their environment: hub.toml, policies.toml, additional_info, NAME=value lines,
// desired properties and control messages of the temperature sensor. First byte: which. No error ever repeats a key.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include "cloud/data_folder/settings_text.h"
#include "edge/config/super_config.h"
#include "edge/hub/environment/hub_environment.h"
#include "rig/input.h"
#include "simulated_temperature_sensor/control.h"
#include "simulated_temperature_sensor/settings.h"

namespace {

using namespace selvage;
namespace folder = cloud::data_folder;

void hub(const std::string& text) {
    const auto settings = folder::parse_settings(text);
    if (!settings) {
        SELVAGE_ASSERT(!settings.error().detail.empty());
        return;
    }
    SELVAGE_ASSERT(!settings->host_name.empty() && settings->partitions >= 1 && settings->connections_max >= 1);
}

void policies(const std::string& text) {
    const auto read = folder::parse_policies(text);
    if (!read) return;
    for (const auto& policy : *read) SELVAGE_ASSERT(!policy.primary_key.empty() && !policy.secondary_key.empty());
}

std::vector<std::pair<std::string, std::string>> variables_of(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> variables;
    constexpr std::size_t kVariablesMax = 64;
    while (!text.empty() && variables.size() < kVariablesMax) {
        auto line = fuzz::take_until(text, '\n');
        const std::string name(fuzz::take_until(line, '='));
        variables.emplace_back(name, line);
    }
    return variables;
}

void environment(std::string_view text) {
    const auto list = variables_of(text);
    const auto hub = edge::hub::read_hub_environment(edge::hub::Variables(list), {});
    // Other variables are quoted in errors, so a key that a mutation put into one of them does not count.
    constexpr std::string_view kKey = "c2VjcmV0LXNlY3JldC1zZWNyZXQ";
    const bool elsewhere = std::ranges::any_of(list, [kKey](const auto& entry) {
        return entry.first != "IotHubConnectionString" && (entry.first + entry.second).find(kKey) != std::string::npos;
    });
    if (!hub && !elsewhere) SELVAGE_ASSERT(hub.error().detail.find(kKey) == std::string::npos);
    const std::map<std::string, std::string> named(list.begin(), list.end());
    const auto get = [&named](const char* name) -> const char* {
        const auto found = named.find(name);
        return found == named.end() ? nullptr : found->second.c_str();
    };
    const auto module = edge::read_module_environment(get);
    if (module) SELVAGE_ASSERT(!module->device_id.empty() && !module->module_id.empty());
    const auto sensor = temperature_sensor::read_settings(get);
    if (sensor) SELVAGE_ASSERT(sensor->message_delay.count() >= 0);
}

void sensor(std::string_view text) {
    ignore(temperature_sensor::asks_for_reset(text), "refusing is fine");
    ignore(temperature_sensor::parse_time_span(text), "refusing is fine");
    const auto desired = parse_json_object(text);
    if (!desired) return;
    temperature_sensor::Sending sending;
    temperature_sensor::apply_desired(*desired, sending);
    SELVAGE_ASSERT(sending.interval.count() > 0);
    const auto reported = parse_json_object(temperature_sensor::reported_text(sending));
    SELVAGE_ASSERT(reported);
    temperature_sensor::Sending again;
    temperature_sensor::apply_desired(*reported, again);
    SELVAGE_ASSERT(again == sending);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string text(fuzz::text_of(data + 1, size - 1));
    switch (data[0] % 5) {
        case 0: hub(text); break;
        case 1: policies(text); break;
        case 2: ignore(edge::config::parse_additional_info(text), "refusing is fine"); break;
        case 3: environment(text); break;
        default: sensor(text); break;
    }
    return 0;
}
