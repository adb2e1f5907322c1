// What an edge hub asks with its own credentials: the identities in its scope, so that it can authenticate them
// offline, and modules of devices below it. Only $edgeHub may, and only along a proven chain of parents.
#include "base/encoding.h"
#include "cloud/auth/chain.h"
#include "cloud/service_http/answers.h"
#include "cloud/service_http/service.h"

namespace selvage::cloud::service_http {

using domain::Identity;

namespace {

constexpr std::int64_t kPageMax = 1000;

bool is(const std::string& part, std::string_view literal) {
    return equals_ignoring_case(part, literal);
}

net::HttpResponse scope_answer(registry::Registry::Scope scope, Json continuation) {
    JsonObject body;
    body["devices"] = std::move(scope.devices);
    body["modules"] = std::move(scope.modules);
    // The client's parser insists on the member, null or not.
    body["continuationLink"] = std::move(continuation);
    return json_answer(body);
}

Result<std::size_t> page_size(std::int64_t asked) {
    if (asked < 0 || asked > kPageMax) return fail(Errc::invalid_argument, "a page has 0 to 1000 devices");
    return static_cast<std::size_t>(asked == 0 ? kPageMax : asked);
}

}  // namespace

Service::Answer Service::edge(Call call) {
    const Identity actor = Identity::of_module(call.target.path[1], domain::kEdgeHubModule);
    if (call.caller.identity != actor)
        co_return fail(Errc::unauthorized, "only the device's own $edgeHub may ask this");
    const std::string operation = call.target.path[4];
    if (call.method == "GET") {
        if (is(operation, "devicesAndModulesInDeviceScope")) co_return co_await scope_page_older(std::move(call));
        if (is(operation, "deviceAndModuleInDeviceScope")) {
            const auto* device = call.target.get("targetDeviceId");
            const auto* module = call.target.get("targetModuleId");
            if (device == nullptr || device->empty())
                co_return fail(Errc::invalid_argument, "targetDeviceId is missing");
            if (*device != actor.device)
                SELVAGE_CO_CHECK(co_await parts_.authenticator.check_chain(*device + ";" + actor.device));
            co_return co_await one_on_behalf(*device, module != nullptr ? *module : "");
        }
    }
    if (call.method != "POST" && call.method != "PUT") co_return fail(wrong_method("POST"));
    if (is(operation, "devicesAndModulesInTargetDeviceScope")) co_return co_await scope_page(std::move(call));
    SELVAGE_CO_TRY(auto body, parse_json_object(call.body));
    SELVAGE_CO_TRY(const auto chain,
                   co_await parts_.authenticator.check_chain(std::string(find_text(body, "authChain"))));
    if (chain.back() != actor.device) co_return fail(Errc::unauthorized, "the auth chain does not end at the caller");
    if (!is(operation, "getDeviceAndModuleOnBehalfOf"))
        co_return co_await module_on_behalf(std::move(call), std::move(body));
    // The chain is that of the edge device acted for; the target is one of its children, or itself.
    const std::string target(find_text(body, "targetDeviceId"));
    if (target != chain.front())
        SELVAGE_CO_CHECK(co_await parts_.authenticator.check_chain(target + ";" + chain.front()));
    co_return co_await one_on_behalf(target, std::string(find_text(body, "targetModuleId")));
}

Service::Answer Service::scope_page(Call call) {
    SELVAGE_CO_TRY(const auto body, parse_json_object(call.body));
    SELVAGE_CO_TRY(const auto chain,
                   co_await parts_.authenticator.check_chain(std::string(find_text(body, "authChain"))));
    if (chain.back() != call.target.path[1])
        co_return fail(Errc::unauthorized, "the auth chain does not end at the caller");
    SELVAGE_CO_TRY(const auto size, page_size(find_integer(body, "pageSize", kPageMax)));
    SELVAGE_CO_TRY(auto scope, co_await parts_.registry.scope_of(
                                   chain.front(), std::string(find_text(body, "continuationLink")), size));
    Json next = scope.next.empty() ? Json(nullptr) : Json(scope.next);
    co_return scope_answer(std::move(scope), std::move(next));
}

Service::Answer Service::scope_page_older(Call call) {
    const std::string actor = call.target.path[1];
    SELVAGE_CO_TRY(const auto asked, number_in(call.target, "deviceCount", kPageMax));
    SELVAGE_CO_TRY(const auto size, page_size(asked));
    const auto* token = call.target.get("continuationToken");
    SELVAGE_CO_TRY(auto scope, co_await parts_.registry.scope_of(actor, token != nullptr ? *token : "", size));
    if (scope.next.empty()) co_return scope_answer(std::move(scope), nullptr);
    // Followed as it is, so it carries everything.
    std::string link = "/devices/" + percent_encode(actor) +
                       "/modules/%24edgeHub/devicesAndModulesInDeviceScope?deviceCount=" + std::to_string(size) +
                       "&continuationToken=" + percent_encode(scope.next) +
                       "&api-version=" + percent_encode(*call.target.get("api-version"));
    co_return scope_answer(std::move(scope), Json(std::move(link)));
}

Service::Answer Service::one_on_behalf(std::string target_device, std::string target_module) {
    registry::Registry::Scope scope;
    SELVAGE_CO_TRY(auto device, co_await parts_.registry.device(target_device));
    scope.devices.push_back(std::move(device));
    if (!target_module.empty()) {
        SELVAGE_CO_TRY(auto module, co_await parts_.registry.module(target_device, target_module));
        scope.modules.push_back(std::move(module));
    }
    co_return scope_answer(std::move(scope), nullptr);
}

Service::Answer Service::module_on_behalf(Call call, JsonObject body) {
    const std::string operation = call.target.path[4];
    SELVAGE_CO_TRY(const auto members, auth::split_chain(find_text(body, "authChain")));
    const std::string device = members.front();
    if (is(operation, "getModulesOnTargetDevice")) {
        SELVAGE_CO_TRY(const auto modules, co_await parts_.registry.modules(device));
        co_return json_answer(modules);
    }
    if (is(operation, "getModuleOnBehalfOf")) {
        SELVAGE_CO_TRY(const auto module,
                       co_await parts_.registry.module(device, std::string(find_text(body, "targetModuleId"))));
        co_return json_answer(module);
    }
    if (is(operation, "deleteModuleOnBehalfOf")) {
        SELVAGE_CO_CHECK(
            co_await parts_.registry.remove_module(device, std::string(find_text(body, "moduleId")), call.if_match));
        co_return empty_answer();
    }
    if (!is(operation, "putModuleOnBehalfOf")) co_return fail(Errc::not_found, "no such operation of an edge hub");
    const auto* module = find_object(body, "module");
    if (module == nullptr) co_return fail(Errc::invalid_argument, "module is missing");
    SELVAGE_CO_TRY(const auto put, co_await parts_.registry.put_module(
                                       device, std::string(find_text(*module, "moduleId")), *module, call.if_match));
    co_return json_answer(put);
}

}  // namespace selvage::cloud::service_http
