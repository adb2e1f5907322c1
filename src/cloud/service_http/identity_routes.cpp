// Devices, modules and counts. Back ends come with policies; a device may read and write the modules under its own id
// with its own credentials, as identity services do.
#include "base/encoding.h"
#include "cloud/service_http/answers.h"
#include "cloud/service_http/service.h"

namespace selvage::cloud::service_http {

using namespace data_folder;

namespace {

// What a method of an identity resource asks for.
Permissions wanted_for(const std::string& method) {
    return method == "GET" ? kRegistryRead : kRegistryWrite;
}

Result<net::HttpResponse> json_or_error(Result<JsonObject> body) {
    if (!body) return fail(body.error());
    return json_answer(*body);
}
Result<net::HttpResponse> json_or_error(Result<JsonArray> body) {
    if (!body) return fail(body.error());
    return json_answer(*body);
}
Result<net::HttpResponse> empty_or_error(Result<> done) {
    if (!done) return fail(done.error());
    return empty_answer();
}

}  // namespace

Service::Answer Service::devices(Call call) {
    SELVAGE_CO_CHECK(check_may(call.caller, wanted_for(call.method)));
    if (call.target.path.size() == 1) {
        if (call.method == "POST") {
            co_return fail(Errc::unsupported,
                           "this hub does not take bulk registry changes yet; change devices one by one");
        }
        if (call.method != "GET") co_return fail(wrong_method("GET"));
        SELVAGE_CO_TRY(const auto top, number_in(call.target, "top", 0));
        co_return json_or_error(co_await parts_.registry.devices(top));
    }
    const std::string id = call.target.path[1];
    if (call.method == "GET") co_return json_or_error(co_await parts_.registry.device(id));
    if (call.method == "DELETE") co_return empty_or_error(co_await parts_.registry.remove_device(id, call.if_match));
    if (call.method != "PUT") co_return fail(wrong_method("GET, PUT, DELETE"));
    SELVAGE_CO_TRY(auto body, parse_json_object(call.body));
    co_return json_or_error(co_await parts_.registry.put_device(id, std::move(body), call.if_match));
}

Service::Answer Service::modules(Call call) {
    const std::string device = call.target.path[1];
    const bool own = call.caller.identity == domain::Identity::of_device(device);
    if (!own) SELVAGE_CO_CHECK(check_may(call.caller, wanted_for(call.method)));
    if (call.target.path.size() == 3) {
        if (call.method != "GET") co_return fail(wrong_method("GET"));
        co_return json_or_error(co_await parts_.registry.modules(device));
    }
    const std::string module = call.target.path[3];
    if (call.method == "GET") co_return json_or_error(co_await parts_.registry.module(device, module));
    if (call.method == "DELETE") {
        co_return empty_or_error(co_await parts_.registry.remove_module(device, module, call.if_match));
    }
    if (call.method != "PUT") co_return fail(wrong_method("GET, PUT, DELETE"));
    SELVAGE_CO_TRY(auto body, parse_json_object(call.body));
    co_return json_or_error(co_await parts_.registry.put_module(device, module, std::move(body), call.if_match));
}

Service::Answer Service::statistics(Call call) {
    if (call.method != "GET") co_return fail(wrong_method("GET"));
    if (equals_ignoring_case(call.target.path[1], "devices")) {
        SELVAGE_CO_CHECK(check_may(call.caller, kRegistryRead));
        SELVAGE_CO_TRY(const auto counts, co_await parts_.registry.count());
        co_return json_answer(JsonObject{{"totalDeviceCount", counts.enabled + counts.disabled},
                                         {"enabledDeviceCount", counts.enabled},
                                         {"disabledDeviceCount", counts.disabled}});
    }
    if (!equals_ignoring_case(call.target.path[1], "service")) co_return fail(Errc::not_found, "no such statistics");
    SELVAGE_CO_CHECK(check_may(call.caller, kServiceConnect));
    co_return json_answer(JsonObject{{"connectedDeviceCount", parts_.sessions.connected_devices()}});
}

}  // namespace selvage::cloud::service_http
