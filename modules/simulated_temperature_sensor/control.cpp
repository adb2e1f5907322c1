#include "simulated_temperature_sensor/control.h"

#include "base/encoding.h"

namespace selvage::temperature_sensor {
namespace {

constexpr std::int64_t kIntervalSecondsMax = 365 * 86'400;

// The command's names and numbers are those of an enumeration: reset = 0, noOperation = 1. Without one it has its default, 0.
Result<bool> is_reset(const Json& command) {
    const auto* object = command.if_object();
    if (object == nullptr) return fail(Errc::malformed, "a control command is a JSON object");
    for (const auto& member : *object) {
        if (!equals_ignoring_case(member.key(), "command")) continue;
        const auto& value = member.value();
        if (const auto* number = value.if_int64()) {
            if (*number == 0 || *number == 1) return *number == 0;
        } else if (const auto* text = value.if_string()) {
            if (equals_ignoring_case(*text, "reset") || *text == "0") return true;
            if (equals_ignoring_case(*text, "noOperation") || *text == "1") return false;
        }
        return fail(Errc::malformed, "the command is neither reset nor noOperation");
    }
    return true;
}

}  // namespace

std::string apply_desired(const JsonObject& desired, Sending& sending) {
    std::string not_taken;
    if (const auto* interval = desired.if_contains("SendInterval"); interval != nullptr && !interval->is_null()) {
        const auto* seconds = interval->if_int64();
        if (seconds != nullptr && *seconds >= 1 && *seconds <= kIntervalSecondsMax)
            sending.interval = std::chrono::seconds(*seconds);
        else
            not_taken = "SendInterval must be a whole number of seconds from 1 to 31536000";
    }
    if (const auto* data = desired.if_contains("SendData"); data != nullptr && !data->is_null()) {
        if (const auto* enabled = data->if_bool())
            sending.enabled = *enabled;
        else
            not_taken += std::string(not_taken.empty() ? "" : "; ") + "SendData must be true or false";
    }
    return not_taken;
}

std::string reported_text(const Sending& sending) {
    const JsonObject reported{{"SendData", sending.enabled},
                              {"SendInterval", std::chrono::floor<std::chrono::seconds>(sending.interval).count()}};
    return to_text(reported);
}

Result<bool> asks_for_reset(std::string_view body) {
    SELVAGE_TRY(const auto document, parse_json(body));
    const auto* commands = document.if_array();
    if (commands == nullptr) return is_reset(document);
    bool reset = false;
    for (const auto& command : *commands) {
        SELVAGE_TRY(const bool asks, is_reset(command));
        reset = reset || asks;
    }
    return reset;
}

}  // namespace selvage::temperature_sensor
