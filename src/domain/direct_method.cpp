#include "domain/direct_method.h"

#include <fmt/core.h>

#include <string_view>

namespace selvage::domain {
namespace {

// Printable ASCII without these: docs/wire/methods.md.
constexpr std::string_view kNameForbidden = "$()<>@,;:\\\"/[]?={} \t";
// docs/wire/methods.md
constexpr std::chrono::seconds kTimeoutMax{3600};

Result<> check_name(std::string_view name) {
    if (name.empty()) return fail(Errc::invalid_argument, "the method name is empty");
    if (name.size() > kMethodNameCharsMax)
        return fail(Errc::invalid_argument,
                    fmt::format("the method name has {} characters, at most {}", name.size(), kMethodNameCharsMax));
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        if (c > 0x20 && c < 0x7f && kNameForbidden.find(c) == std::string_view::npos) continue;
        return fail(Errc::invalid_argument,
                    fmt::format("the method name has the byte 0x{:02x} at position {}; it takes printable ASCII without "
                                "white space and {}",
                                static_cast<unsigned char>(c), i, kNameForbidden.substr(0, kNameForbidden.size() - 2)));
    }
    return {};
}

}  // namespace

Result<> check(const MethodRequest& request) {
    SELVAGE_CHECK(check_name(request.name));
    if (request.payload.size() > kMethodPayloadBytesMax)
        return fail(Errc::invalid_argument, fmt::format("the method's payload has {} bytes, at most {}",
                                                        request.payload.size(), kMethodPayloadBytesMax));
    if (request.response_timeout < std::chrono::seconds(1) || request.response_timeout > kTimeoutMax)
        return fail(Errc::invalid_argument, fmt::format("the response timeout is {} s, it takes 1 to {}",
                                                        request.response_timeout.count(), kTimeoutMax.count()));
    if (request.connect_timeout < std::chrono::seconds(0) || request.connect_timeout > kTimeoutMax)
        return fail(Errc::invalid_argument, fmt::format("the connect timeout is {} s, it takes 0 to {}",
                                                        request.connect_timeout.count(), kTimeoutMax.count()));
    return {};
}

}  // namespace selvage::domain
