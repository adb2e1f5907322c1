#include <cmath>
#include <cstdio>

#include "base/file.h"
#include "cli/hubctl/commands.h"

namespace selvage::cli::hubctl {

namespace {

Result<Json> object_argument(const std::string& text, const char* option) {
    auto object = parse_json_object(text);
    if (!object)
        return fail(Errc::invalid_argument, std::string(option) + ": give a JSON object: " + object.error().detail);
    return Json(*std::move(object));
}

}  // namespace

Result<JsonObject> content_of_manifest(const JsonObject& manifest) {
    const auto* content = &manifest;
    if (const auto* inner = find_object(manifest, "content")) content = inner;
    if (find_object(*content, "modulesContent") != nullptr) return *content;
    if (const auto* modules = find_object(*content, "moduleContent")) return JsonObject{{"modulesContent", *modules}};
    return fail(Errc::invalid_argument, "the manifest has no object \"modulesContent\"");
}

Awaitable<Result<>> set_modules(ServiceClient& hub, Options options) {
    SELVAGE_CO_TRY(const auto text, read_file(options.content_file));
    auto manifest = parse_json_object(text);
    if (!manifest) co_return fail(manifest.error().in(options.content_file));
    auto content = content_of_manifest(*manifest);
    if (!content) co_return fail(content.error().in(options.content_file));
    ServiceClient::Request request;
    request.method = "POST";
    request.path = identity_path("devices", options.device, "") + "/applyConfigurationContent";
    request.body = to_text(*content);
    SELVAGE_CO_CHECK(co_await hub.ask(std::move(request)));
    std::printf("applied %s to device '%s'\n", options.content_file.c_str(), options.device.c_str());
    co_return Result<>{};
}

Awaitable<Result<>> twin_show(ServiceClient& hub, Options options) {
    ServiceClient::Request request;
    request.path = identity_path("twins", options.device, options.module);
    SELVAGE_CO_TRY(const auto twin, co_await hub.ask(std::move(request)));
    std::printf("%s\n", to_pretty_text(twin).c_str());
    co_return Result<>{};
}

Awaitable<Result<>> twin_update(ServiceClient& hub, Options options) {
    JsonObject body;
    if (!options.tags.empty()) {
        SELVAGE_CO_TRY(body["tags"], object_argument(options.tags, "--tags"));
    }
    if (!options.desired.empty()) {
        SELVAGE_CO_TRY(auto desired, object_argument(options.desired, "--desired"));
        body["properties"] = JsonObject{{"desired", std::move(desired)}};
    }
    ServiceClient::Request request;
    request.method = "PATCH";
    request.path = identity_path("twins", options.device, options.module);
    request.body = to_text(body);
    SELVAGE_CO_TRY(const auto twin, co_await hub.ask(std::move(request)));
    std::printf("%s\n", to_pretty_text(twin).c_str());
    co_return Result<>{};
}

Awaitable<Result<>> invoke_method(ServiceClient& hub, Options options) {
    const auto timeout = std::chrono::seconds(std::llround(options.timeout_seconds.value_or(30)));
    JsonObject body{
        {"methodName", options.method}, {"responseTimeoutInSeconds", timeout.count()}, {"payload", nullptr}};
    if (!options.payload.empty()) {
        auto payload = parse_json(options.payload);
        if (!payload)
            co_return fail(Errc::invalid_argument,
                           "--payload: give JSON (a text in quotes): " + payload.error().detail);
        body["payload"] = *std::move(payload);
    }
    ServiceClient::Request request;
    request.method = "POST";
    request.path = identity_path("twins", options.device, options.module) + "/methods";
    request.body = to_text(body);
    request.timeout = timeout + std::chrono::seconds(15);
    SELVAGE_CO_TRY(const auto answer, co_await hub.ask(std::move(request)));
    std::printf("%s\n", to_pretty_text(answer).c_str());
    co_return Result<>{};
}

}  // namespace selvage::cli::hubctl
