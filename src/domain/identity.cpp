#include "domain/identity.h"

#include <fmt/core.h>

namespace selvage::domain {
namespace {

constexpr std::size_t kIdCharsMax = 128;  // docs/wire/limits.md#identities
constexpr std::string_view kIdPunctuation = "-:.+%_#*?!(),=@;$'";

bool is_id_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kIdPunctuation.find(c) != std::string_view::npos;
}

Result<> check_id(std::string_view kind, std::string_view id) {
    if (id.empty()) return fail(Errc::invalid_argument, fmt::format("the {} id is empty", kind));
    if (id.size() > kIdCharsMax)
        return fail(Errc::invalid_argument,
                    fmt::format("the {} id has {} characters, at most {}", kind, id.size(), kIdCharsMax));
    for (std::size_t i = 0; i < id.size(); ++i) {
        if (is_id_character(id[i])) continue;
        return fail(Errc::invalid_argument,
                    fmt::format("the {} id has the byte 0x{:02x} at position {}; it takes ASCII letters, digits and {}",
                                kind, static_cast<unsigned char>(id[i]), i, kIdPunctuation));
    }
    return {};
}

}  // namespace

std::string to_text(const Identity& identity) {
    return identity.is_module() ? identity.device + "/" + identity.module : identity.device;
}

Result<> check_device_id(std::string_view id) { return check_id("device", id); }
Result<> check_module_id(std::string_view id) { return check_id("module", id); }

}  // namespace selvage::domain
