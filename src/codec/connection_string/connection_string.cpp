#include "codec/connection_string/connection_string.h"

#include <algorithm>

#include "base/encoding.h"

namespace selvage::codec {
namespace {

struct Part {
    std::string_view name;
    std::string ConnectionString::*field;
};
// In the order in which they are written; the gateway comes last, where users add it by hand.
constexpr Part kParts[] = {
    {"HostName", &ConnectionString::host_name},         {"DeviceId", &ConnectionString::device_id},
    {"ModuleId", &ConnectionString::module_id},         {"SharedAccessKeyName", &ConnectionString::policy_name},
    {"SharedAccessKey", &ConnectionString::key},        {"GatewayHostName", &ConnectionString::gateway_host_name},
};

std::unexpected<Error> missing(std::string_view name) {
    return fail(Errc::malformed, "connection string: required parameter \"" + std::string(name) + "\" is missing");
}

Result<> check(const ConnectionString& value) {
    if (value.host_name.empty()) return missing("HostName");
    if (value.device_id.empty() && !value.module_id.empty()) return missing("DeviceId");
    if (value.device_id.empty() && value.policy_name.empty())
        return fail(Errc::malformed,
                    "connection string: required parameter \"DeviceId\" (a device's) or \"SharedAccessKeyName\" "
                    "(a policy's) is missing");
    if (value.key.empty()) return missing("SharedAccessKey");
    if (!from_base64(value.key)) return fail(Errc::malformed, "connection string: SharedAccessKey is not base64");
    return {};
}

}  // namespace

Result<ConnectionString> parse_connection_string(std::string_view text) {
    text = trim(text);
    if (text.size() > kConnectionStringBytesMax) return fail(Errc::malformed, "connection string: longer than 4096 bytes");
    ConnectionString value;
    while (!text.empty()) {
        const auto end = std::min(text.find(';'), text.size());
        const auto part = trim(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (part.empty()) continue;
        const auto equals = part.find('=');
        // The part itself is not repeated: it may be half of a key.
        if (equals == std::string_view::npos) return fail(Errc::malformed, "connection string: a part without '='");
        // People paste them over line ends, and no name or value begins or ends with a space.
        const auto name = trim(part.substr(0, equals));
        for (const auto& known : kParts) {
            if (name != known.name) continue;
            auto& field = value.*known.field;
            if (!field.empty())
                return fail(Errc::malformed, "connection string: \"" + std::string(known.name) + "\" is there twice");
            field = trim(part.substr(equals + 1));
        }
    }
    SELVAGE_CHECK(check(value));
    return value;
}

std::string to_text(const ConnectionString& value) {
    std::string text;
    for (const auto& part : kParts) {
        const auto& field = value.*part.field;
        if (field.empty()) continue;
        if (!text.empty()) text += ';';
        text += part.name;
        text += '=';
        text += field;
    }
    return text;
}

}  // namespace selvage::codec
