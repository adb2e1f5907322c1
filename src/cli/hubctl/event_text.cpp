#include "cli/hubctl/event_text.h"

#include <fmt/core.h>

#include "base/encoding.h"

namespace selvage::cli::hubctl {

namespace {

constexpr std::string_view kDevice = "iothub-connection-device-id";
constexpr std::string_view kModule = "iothub-connection-module-id";

std::string_view system(const JsonObject& event, std::string_view name) {
    const auto* properties = find_object(event, "systemProperties");
    return properties == nullptr ? std::string_view{} : find_text(*properties, name);
}

// A table-free check of well-formed UTF-8: no overlong forms, no surrogates.
bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t more = lead < 0x80             ? 0
                                 : (lead & 0xe0) == 0xc0 ? 1
                                 : (lead & 0xf0) == 0xe0 ? 2
                                 : (lead & 0xf8) == 0xf0 ? 3
                                                         : 9;
        if (more == 9 || i + more >= text.size()) return false;
        std::uint32_t point = more == 0 ? lead : lead & (0x3fu >> more);
        for (std::size_t k = 1; k <= more; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0) != 0x80) return false;
            point = point << 6 | (next & 0x3fu);
        }
        constexpr std::uint32_t kLowest[] = {0, 0x80, 0x800, 0x10000};
        if (point < kLowest[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
        i += more + 1;
    }
    return true;
}

}  // namespace

std::string_view sender_of(const JsonObject& event) {
    return system(event, kDevice);
}

JsonObject event_object(const JsonObject& event) {
    JsonObject line;
    line["deviceId"] = system(event, kDevice);
    if (const auto module = system(event, kModule); !module.empty()) {
        line["moduleId"] = module;
    } else {
        line["moduleId"] = nullptr;
    }
    line["enqueuedTime"] = find_text(event, "enqueuedTimeUtc");
    line["partition"] = find_integer(event, "partition");
    line["offset"] = find_integer(event, "offset");
    const auto* properties = find_object(event, "properties");
    line["properties"] = properties != nullptr ? *properties : JsonObject{};
    const auto* system_properties = find_object(event, "systemProperties");
    line["systemProperties"] = system_properties != nullptr ? *system_properties : JsonObject{};
    const std::string encoded(find_text(event, "body"));
    const std::string body = from_base64(encoded).value_or("");
    if (auto json = parse_json(body)) {
        line["body"] = *std::move(json);
    } else if (is_utf8(body)) {
        line["body"] = body;
    } else {
        line["body"] = encoded;
        line["bodyEncoding"] = "base64";
    }
    return line;
}

std::string event_lines(const JsonObject& event) {
    std::string sender(find_text(event, "deviceId"));
    if (const auto module = find_text(event, "moduleId"); !module.empty()) sender += fmt::format("/{}", module);
    const auto* body = find(event, "body");
    const std::string text = body == nullptr     ? std::string{}
                             : body->is_string() ? std::string(body->get_string())
                                                 : to_text(*body);
    std::string lines = fmt::format("{}  {}  {}", find_text(event, "enqueuedTime"), sender, text);
    const auto* properties = find_object(event, "properties");
    for (const auto& [name, value] : properties != nullptr ? *properties : JsonObject{}) {
        lines += fmt::format("\n    {} = {}", std::string_view(name),
                             value.is_string() ? std::string(value.get_string()) : "");
    }
    return lines;
}

}  // namespace selvage::cli::hubctl
