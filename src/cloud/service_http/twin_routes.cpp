// Twins, configuration content and direct methods.
#include <fmt/core.h>

#include "cloud/service_http/answers.h"
#include "cloud/service_http/service.h"

namespace selvage::cloud::service_http {

using namespace data_folder;

namespace {

// /twins/{id}… or /twins/{id}/modules/{mid}…
domain::Identity identity_of_twin(const std::vector<std::string>& path) {
    return path.size() >= 4 ? domain::Identity::of_module(path[1], path[3]) : domain::Identity::of_device(path[1]);
}

constexpr std::int64_t kTimeoutSecondsMax = 3600;

Result<std::chrono::seconds> timeout_in(const JsonObject& body, std::string_view member, std::int64_t otherwise,
                                        std::int64_t lowest) {
    const auto* value = find(body, member);
    std::int64_t seconds = otherwise;
    if (value != nullptr && !value->is_null()) {
        const bool whole = value->is_int64() || value->is_uint64();
        seconds = whole ? find_integer(body, member, -1) : -1;
    }
    if (seconds >= lowest && seconds <= kTimeoutSecondsMax) return std::chrono::seconds(seconds);
    return fail(Errc::invalid_argument,
                fmt::format("{}: give a whole number from {} to {}", member, lowest, kTimeoutSecondsMax));
}

Result<domain::MethodRequest> read_request(const JsonObject& body) {
    domain::MethodRequest request;
    request.name = find_text(body, "methodName");
    if (request.name.empty()) return fail(Errc::invalid_argument, "methodName is missing");
    const auto* payload = find(body, "payload");
    request.payload = payload != nullptr ? to_text(*payload) : "null";
    // `timeoutInSeconds` is what older clients send.
    const bool older = !body.contains("responseTimeoutInSeconds") && body.contains("timeoutInSeconds");
    SELVAGE_TRY(request.response_timeout,
                timeout_in(body, older ? "timeoutInSeconds" : "responseTimeoutInSeconds", 30, 1));
    SELVAGE_TRY(request.connect_timeout, timeout_in(body, "connectTimeoutInSeconds", 0, 0));
    return request;
}

}  // namespace

Service::Answer Service::twins(Call call) {
    SELVAGE_CO_CHECK(check_may(call.caller, kServiceConnect));
    const auto identity = identity_of_twin(call.target.path);
    if (call.method == "GET") {
        SELVAGE_CO_TRY(const auto twin, co_await parts_.twins.service_document(identity));
        co_return json_answer(twin);
    }
    if (call.method != "PATCH" && call.method != "PUT") co_return fail(wrong_method("GET, PATCH, PUT"));
    SELVAGE_CO_TRY(auto body, parse_json_object(call.body));
    const auto kind = call.method == "PATCH" ? twins::ChangeKind::patch : twins::ChangeKind::replace;
    SELVAGE_CO_TRY(const auto twin, co_await parts_.twins.change(identity, std::move(body), kind, call.if_match));
    co_return json_answer(twin);
}

Service::Answer Service::configuration(Call call) {
    SELVAGE_CO_CHECK(check_may(call.caller, kRegistryWrite, kServiceConnect));
    if (call.method != "POST") co_return fail(wrong_method("POST"));
    SELVAGE_CO_TRY(auto content, parse_json_object(call.body));
    SELVAGE_CO_CHECK(co_await parts_.twins.apply_configuration(call.target.path[1], std::move(content)));
    co_return empty_answer();
}

Service::Answer Service::methods(Call call) {
    SELVAGE_CO_CHECK(check_may(call.caller, kServiceConnect));
    if (call.method != "POST") co_return fail(wrong_method("POST"));
    SELVAGE_CO_TRY(const auto body, parse_json_object(call.body));
    SELVAGE_CO_TRY(auto request, read_request(body));
    auto target = call.target.path;
    target.pop_back();
    SELVAGE_CO_TRY(const auto response, co_await parts_.methods.invoke(identity_of_twin(target), std::move(request)));
    JsonObject answer;
    answer["status"] = response.status;
    // The hub's methods room has checked that it parses.
    auto payload = parse_json(response.payload);
    answer["payload"] = payload ? *std::move(payload) : Json(nullptr);
    co_return json_answer(answer);
}

}  // namespace selvage::cloud::service_http
