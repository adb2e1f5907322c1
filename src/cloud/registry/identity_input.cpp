// Reading: what a client may set of an identity, and how what it leaves out is filled in.
#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "base/encoding.h"
#include "cloud/registry/identity_json.h"

namespace selvage::cloud::registry {

using storage::Authentication;
using storage::AuthenticationType;

namespace {

constexpr std::size_t kReasonCharsMax = 128;
constexpr std::size_t kKeyBytesMin = 16;
constexpr std::size_t kKeyBytesMax = 64;

Result<> check_id(const JsonObject& body, std::string_view member, std::string_view expected) {
    const auto* id = find(body, member);
    if (id == nullptr || (id->is_string() && std::string_view(id->get_string()) == expected)) return {};
    return fail(Errc::invalid_argument,
                fmt::format("{} in the body differs from the one in the path ('{}')", member, expected));
}

// Text, or null for none. Errors: invalid_argument on any other type.
Result<std::string> text_member(const JsonObject& object, std::string_view member) {
    const auto* value = find(object, member);
    if (value == nullptr || value->is_null()) return std::string{};
    if (!value->is_string()) return fail(Errc::invalid_argument, fmt::format("{} must be a string", member));
    return std::string(value->get_string());
}

Result<> check_key(const std::string& key, std::string_view member) {
    if (key.empty()) return {};
    const auto bytes = from_base64(key);
    if (bytes && bytes->size() >= kKeyBytesMin && bytes->size() <= kKeyBytesMax) return {};
    return fail(Errc::invalid_argument, fmt::format("authentication.symmetricKey.{}: give {} to {} bytes in base64",
                                                    member, kKeyBytesMin, kKeyBytesMax));
}

Result<> check_thumbprint(const std::string& thumbprint, std::string_view member) {
    const bool hex =
        std::ranges::all_of(thumbprint, [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; });
    if (thumbprint.empty() || (hex && (thumbprint.size() == 40 || thumbprint.size() == 64))) return {};
    return fail(Errc::invalid_argument,
                fmt::format("authentication.x509Thumbprint.{}: give a SHA-1 or SHA-256 thumbprint in hex", member));
}

Result<std::optional<AuthenticationType>> read_type(const JsonObject& authentication) {
    SELVAGE_TRY(const auto text, text_member(authentication, "type"));
    if (text.empty()) return std::nullopt;
    for (const auto type : {AuthenticationType::sas, AuthenticationType::self_signed,
                            AuthenticationType::certificate_authority, AuthenticationType::none}) {
        if (equals_ignoring_case(text, name(type))) return type;
    }
    return fail(Errc::invalid_argument,
                "authentication.type: known are sas, selfSigned, certificateAuthority and none");
}

Result<std::optional<AuthenticationInput>> read_authentication(const JsonObject& body) {
    const auto* authentication = find_object(body, "authentication");
    if (authentication == nullptr) return std::nullopt;
    AuthenticationInput input;
    SELVAGE_TRY(input.type, read_type(*authentication));
    if (const auto* keys = find_object(*authentication, "symmetricKey")) {
        SELVAGE_TRY(input.primary_key, text_member(*keys, "primaryKey"));
        SELVAGE_TRY(input.secondary_key, text_member(*keys, "secondaryKey"));
        SELVAGE_CHECK(check_key(input.primary_key, "primaryKey"));
        SELVAGE_CHECK(check_key(input.secondary_key, "secondaryKey"));
        if (input.primary_key.empty() != input.secondary_key.empty()) {
            return fail(Errc::invalid_argument, "authentication.symmetricKey: give both keys or neither");
        }
    }
    if (const auto* prints = find_object(*authentication, "x509Thumbprint")) {
        SELVAGE_TRY(input.primary_thumbprint, text_member(*prints, "primaryThumbprint"));
        SELVAGE_TRY(input.secondary_thumbprint, text_member(*prints, "secondaryThumbprint"));
        SELVAGE_CHECK(check_thumbprint(input.primary_thumbprint, "primaryThumbprint"));
        SELVAGE_CHECK(check_thumbprint(input.secondary_thumbprint, "secondaryThumbprint"));
    }
    return input;
}

Result<> read_status(const JsonObject& body, DeviceInput& input) {
    SELVAGE_TRY(const auto status, text_member(body, "status"));
    if (equals_ignoring_case(status, "enabled")) input.enabled = true;
    if (equals_ignoring_case(status, "disabled")) input.enabled = false;
    if (!status.empty() && !input.enabled) {
        return fail(Errc::invalid_argument, "status: give \"enabled\" or \"disabled\"");
    }
    if (find(body, "statusReason") == nullptr) return {};
    SELVAGE_TRY(input.status_reason, text_member(body, "statusReason"));
    if (input.status_reason->size() > kReasonCharsMax) {
        return fail(Errc::invalid_argument, fmt::format("statusReason: at most {} characters", kReasonCharsMax));
    }
    return {};
}

Result<> read_scopes(const JsonObject& body, DeviceInput& input) {
    if (const auto* scope = find(body, "deviceScope"); scope != nullptr && !scope->is_null()) {
        SELVAGE_TRY(input.device_scope, text_member(body, "deviceScope"));
    }
    const auto* parents = find_array(body, "parentScopes");
    if (parents == nullptr) return {};
    input.parent_scopes.emplace();
    for (const auto& parent : *parents) {
        if (!parent.is_string()) return fail(Errc::invalid_argument, "parentScopes: give an array of scopes");
        if (!parent.get_string().empty()) input.parent_scopes->emplace_back(parent.get_string());
    }
    if (input.parent_scopes->size() > 1)
        return fail(Errc::invalid_argument, "parentScopes: a device has at most one parent");
    return {};
}

}  // namespace

Result<DeviceInput> read_device(const JsonObject& body, std::string_view device_id) {
    SELVAGE_CHECK(check_id(body, "deviceId", device_id));
    DeviceInput input;
    SELVAGE_CHECK(read_status(body, input));
    SELVAGE_TRY(input.authentication, read_authentication(body));
    if (const auto* capabilities = find_object(body, "capabilities")) {
        if (find(*capabilities, "iotEdge") != nullptr) input.iot_edge = find_bool(*capabilities, "iotEdge");
    }
    SELVAGE_CHECK(read_scopes(body, input));
    return input;
}

Result<ModuleInput> read_module(const JsonObject& body, std::string_view device_id, std::string_view module_id) {
    SELVAGE_CHECK(check_id(body, "deviceId", device_id));
    SELVAGE_CHECK(check_id(body, "moduleId", module_id));
    ModuleInput input;
    if (find(body, "managedBy") != nullptr) {
        SELVAGE_TRY(input.managed_by, text_member(body, "managedBy"));
    }
    SELVAGE_TRY(input.authentication, read_authentication(body));
    return input;
}

Result<Authentication> settle(const std::optional<AuthenticationInput>& input, const Authentication* current,
                              const FreshKeys& fresh) {
    if (!input && current != nullptr) return *current;
    const AuthenticationInput wanted = input.value_or(AuthenticationInput{});
    const bool keys = !wanted.primary_key.empty();
    const bool thumbprints = !wanted.primary_thumbprint.empty() || !wanted.secondary_thumbprint.empty();
    if (keys && thumbprints) {
        return fail(Errc::invalid_argument, "authentication: give keys or thumbprints, not both");
    }
    Authentication settled;
    settled.type = wanted.type.value_or(thumbprints ? AuthenticationType::self_signed : AuthenticationType::sas);
    if (settled.type == AuthenticationType::sas) {
        const bool keep = !keys && current != nullptr && current->type == AuthenticationType::sas;
        settled.primary_key = keys ? wanted.primary_key : keep ? current->primary_key : fresh.primary;
        settled.secondary_key = keys ? wanted.secondary_key : keep ? current->secondary_key : fresh.secondary;
    }
    if (settled.type == AuthenticationType::self_signed) {
        if (wanted.primary_thumbprint.empty()) {
            return fail(Errc::invalid_argument, "authentication: selfSigned needs x509Thumbprint.primaryThumbprint");
        }
        settled.primary_thumbprint = wanted.primary_thumbprint;
        settled.secondary_thumbprint = wanted.secondary_thumbprint;
    }
    return settled;
}

}  // namespace selvage::cloud::registry
