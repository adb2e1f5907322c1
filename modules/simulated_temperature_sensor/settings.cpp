#include "simulated_temperature_sensor/settings.h"

#include <charconv>
#include <cmath>

#include "base/encoding.h"

namespace selvage::temperature_sensor {
namespace {

template <class Number>
bool parse_number(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

// Digits only, at most `highest`.
bool parse_part(std::string_view text, int highest, int& number) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos && parse_number(text, number) &&
           number <= highest;
}

std::unexpected<Error> not_a_time_span(std::string_view text) {
    return fail(Errc::malformed, "'" + std::string(text) + "' is not a time span of the form hh:mm:ss");
}

}  // namespace

Result<std::chrono::milliseconds> parse_time_span(std::string_view text) {
    const auto whole = trim(text);
    auto rest = whole;
    int days = 0, hours = 0, minutes = 0, seconds = 0;
    const auto first_colon = rest.find(':');
    if (const auto dot = rest.find('.'); dot != std::string_view::npos && dot < first_colon) {
        if (!parse_part(rest.substr(0, dot), 10'000, days)) return not_a_time_span(whole);
        rest.remove_prefix(dot + 1);
    }
    double fraction = 0;
    if (const auto dot = rest.find('.'); dot != std::string_view::npos) {
        int digits = 0;
        if (rest.size() - dot > 8 || !parse_part(rest.substr(dot + 1), 9'999'999, digits)) return not_a_time_span(whole);
        fraction = digits / std::pow(10.0, static_cast<double>(rest.size() - dot - 1));
        rest = rest.substr(0, dot);
    }
    const auto colon = rest.find(':');
    const auto second_colon = colon == std::string_view::npos ? colon : rest.find(':', colon + 1);
    if (second_colon == std::string_view::npos || !parse_part(rest.substr(0, colon), 23, hours) ||
        !parse_part(rest.substr(colon + 1, second_colon - colon - 1), 59, minutes) ||
        !parse_part(rest.substr(second_colon + 1), 59, seconds))
        return not_a_time_span(whole);
    const auto span = std::chrono::hours(24 * days + hours) + std::chrono::minutes(minutes) + std::chrono::seconds(seconds);
    return span + std::chrono::milliseconds(static_cast<int>(fraction * 1000));
}

Result<Settings> read_settings(const std::function<const char*(const char*)>& get) {
    Settings settings;
    const auto text_of = [&](const char* name) {
        const char* value = get(name);
        return trim(value == nullptr ? "" : value);
    };
    if (const auto text = text_of("MessageDelay"); !text.empty()) {
        auto delay = parse_time_span(text);
        if (!delay) return fail(Error{Errc::invalid_argument, "MessageDelay: " + delay.error().detail});
        settings.message_delay = *delay;
    }
    if (const auto text = text_of("MessageCount"); !text.empty() && !parse_number(text, settings.message_count))
        return fail(Errc::invalid_argument, "MessageCount: '" + std::string(text) + "' is not a whole number");
    struct Variable {
        const char* name;
        double* value;
    };
    const Variable variables[] = {{"machineTempMin", &settings.machine.temperature_min},
                                  {"machineTempMax", &settings.machine.temperature_max},
                                  {"machinePressureMin", &settings.machine.pressure_min},
                                  {"machinePressureMax", &settings.machine.pressure_max},
                                  {"ambientTemp", &settings.machine.ambient_temperature}};
    for (const auto& variable : variables) {
        const auto text = text_of(variable.name);
        if (!text.empty() && (!parse_number(text, *variable.value) || !std::isfinite(*variable.value)))
            return fail(Errc::invalid_argument, std::string(variable.name) + ": '" + std::string(text) + "' is not a number");
    }
    return settings;
}

}  // namespace selvage::temperature_sensor
