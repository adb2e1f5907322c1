#include <cstdio>

#include "cli/hubctl/commands.h"
#include "codec/connection_string/connection_string.h"

namespace selvage::cli::hubctl {

namespace {

std::string title(const Options& options) {
    return options.module.empty() ? "device '" + options.device + "'"
                                  : "module '" + options.module + "' of device '" + options.device + "'";
}

Awaitable<Result<JsonObject>> fetch(ServiceClient& hub, std::string path) {
    ServiceClient::Request request;
    request.path = std::move(path);
    SELVAGE_CO_TRY(auto answer, co_await hub.ask(std::move(request)));
    if (!answer.is_object()) co_return fail(Errc::malformed, "the hub's answer is not a JSON object");
    co_return std::move(answer.get_object());
}

Awaitable<Result<std::string>> scope_of_parent(ServiceClient& hub, std::string parent) {
    SELVAGE_CO_TRY(const auto device, co_await fetch(hub, identity_path("devices", parent, "")));
    std::string scope(find_text(device, "deviceScope"));
    const auto* capabilities = find_object(device, "capabilities");
    if (scope.empty() || capabilities == nullptr || !find_bool(*capabilities, "iotEdge")) {
        co_return fail(Errc::invalid_argument, "parent '" + parent + "' is not an edge device");
    }
    co_return scope;
}

// Empty: keys that the hub makes.
JsonObject authentication_of(const Options& options) {
    if (options.auth_method == "x509_ca") return {{"type", "certificateAuthority"}};
    if (options.auth_method != "x509_thumbprint" && options.primary_thumbprint.empty()) return {};
    JsonObject thumbprints{{"primaryThumbprint", options.primary_thumbprint}};
    if (!options.secondary_thumbprint.empty()) thumbprints["secondaryThumbprint"] = options.secondary_thumbprint;
    return {{"type", "selfSigned"}, {"x509Thumbprint", std::move(thumbprints)}};
}

// Lists show who is there, never keys.
Json without_keys(Json identity) {
    if (auto* object = identity.if_object()) object->erase("authentication");
    return identity;
}

void print_line(const JsonObject& identity, bool module) {
    const auto* capabilities = find_object(identity, "capabilities");
    const bool edge = capabilities != nullptr && find_bool(*capabilities, "iotEdge");
    const std::string id(find_text(identity, module ? "moduleId" : "deviceId"));
    const std::string state(find_text(identity, "connectionState"));
    const std::string other(module ? find_text(identity, "managedBy") : find_text(identity, "status"));
    std::printf("%-40s %-14s %-10s%s\n", id.c_str(), state.c_str(), other.c_str(), edge ? " edge" : "");
}

}  // namespace

Awaitable<Result<>> identity_create(ServiceClient& hub, Options options) {
    JsonObject body{{"deviceId", options.device}};
    if (!options.module.empty()) {
        body["moduleId"] = options.module;
    } else {
        body["status"] = options.disabled ? "disabled" : "enabled";
        body["capabilities"] = JsonObject{{"iotEdge", options.edge_enabled}};
        if (!options.parent.empty()) {
            SELVAGE_CO_TRY(const auto scope, co_await scope_of_parent(hub, options.parent));
            if (options.edge_enabled) {
                body["parentScopes"] = JsonArray{Json(scope)};
            } else {
                body["deviceScope"] = scope;
            }
        }
    }
    if (const auto authentication = authentication_of(options); !authentication.empty()) {
        body["authentication"] = authentication;
    }
    ServiceClient::Request request;
    request.method = "PUT";
    request.path = identity_path("devices", options.device, options.module);
    request.body = to_text(body);
    SELVAGE_CO_CHECK(co_await hub.ask(std::move(request)));
    std::printf("created %s\n", title(options).c_str());
    co_return Result<>{};
}

Awaitable<Result<>> identity_show(ServiceClient& hub, Options options) {
    SELVAGE_CO_TRY(const auto identity, co_await fetch(hub, identity_path("devices", options.device, options.module)));
    std::printf("%s\n", to_pretty_text(Json(identity)).c_str());
    co_return Result<>{};
}

Awaitable<Result<>> identity_list(ServiceClient& hub, Options options) {
    const bool modules = !options.device.empty();
    ServiceClient::Request request;
    request.path = modules ? identity_path("devices", options.device, "") + "/modules" : "/devices";
    SELVAGE_CO_TRY(const auto answer, co_await hub.ask(std::move(request)));
    if (!answer.is_array()) co_return fail(Errc::malformed, "the hub's answer is not a JSON array");
    JsonArray list;
    for (const auto& identity : answer.get_array())
        list.push_back(without_keys(identity));
    if (options.json_output) {
        std::printf("%s\n", to_pretty_text(Json(std::move(list))).c_str());
        co_return Result<>{};
    }
    for (const auto& identity : list) {
        if (identity.is_object()) print_line(identity.get_object(), modules);
    }
    if (list.empty()) std::fprintf(stderr, modules ? "the device has no modules\n" : "the hub has no devices\n");
    co_return Result<>{};
}

Awaitable<Result<>> identity_delete(ServiceClient& hub, Options options) {
    ServiceClient::Request request;
    request.method = "DELETE";
    request.path = identity_path("devices", options.device, options.module);
    request.if_match = "*";
    SELVAGE_CO_CHECK(co_await hub.ask(std::move(request)));
    std::printf("removed %s\n", title(options).c_str());
    co_return Result<>{};
}

Awaitable<Result<>> identity_update(ServiceClient& hub, Options options) {
    const std::string path = identity_path("devices", options.device, "");
    SELVAGE_CO_TRY(auto device, co_await fetch(hub, path));
    device["status"] = options.status;
    ServiceClient::Request request;
    request.method = "PUT";
    request.path = path;
    request.if_match = "\"" + std::string(find_text(device, "etag")) + "\"";
    request.body = to_text(device);
    SELVAGE_CO_CHECK(co_await hub.ask(std::move(request)));
    std::printf("%s is %s\n", title(options).c_str(), options.status.c_str());
    co_return Result<>{};
}

Awaitable<Result<>> connection_string(ServiceClient& hub, Options options) {
    SELVAGE_CO_TRY(const auto identity, co_await fetch(hub, identity_path("devices", options.device, options.module)));
    const auto* authentication = find_object(identity, "authentication");
    const auto* keys = authentication != nullptr ? find_object(*authentication, "symmetricKey") : nullptr;
    codec::ConnectionString text;
    text.host_name = hub.access().host_name;
    text.device_id = options.device;
    text.module_id = options.module;
    text.key = keys != nullptr ? find_text(*keys, "primaryKey") : std::string_view{};
    const auto type = authentication != nullptr ? find_text(*authentication, "type") : std::string_view{};
    const bool certificate = type == "selfSigned" || type == "certificateAuthority";
    if (text.key.empty() && !certificate) co_return fail(Errc::invalid_argument, title(options) + " has no key");
    // The SDKs' sign that the client has a certificate.
    std::printf("%s%s\n", codec::to_text(text).c_str(), certificate ? ";x509=true" : "");
    co_return Result<>{};
}

}  // namespace selvage::cli::hubctl
