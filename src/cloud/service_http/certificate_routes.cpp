// CAs whose certificates devices may show: Selvage's own paths, in the shape of the service's certificate resources.
// docs/wire/x509.md
#include "base/encoding.h"
#include "cloud/service_http/answers.h"
#include "cloud/service_http/service.h"

namespace selvage::cloud::service_http {

using namespace data_folder;

namespace {

bool is(const std::string& part, std::string_view literal) {
    return equals_ignoring_case(part, literal);
}

Result<net::HttpResponse> answer_with(const Result<authorities::Authority>& authority) {
    if (!authority) return fail(authority.error());
    return json_answer(authorities::authority_json(*authority));
}

// {"certificate":"…"}, or the same under "properties".
const JsonObject& properties_of(const JsonObject& body) {
    const auto* properties = find_object(body, "properties");
    return properties != nullptr ? *properties : body;
}

}  // namespace

// /selvage/certificates[/{name}[/verificationCode|/verify]]
Service::Answer Service::certificates(Call call) {
    SELVAGE_CO_CHECK(check_may(call.caller, call.method == "GET" ? kRegistryRead : kRegistryWrite));
    const auto path = call.target.path;
    if (path.size() == 2) {
        if (call.method != "GET") co_return fail(wrong_method("GET"));
        JsonArray list;
        for (const auto& authority : parts_.authorities.list())
            list.push_back(authorities::authority_json(authority));
        co_return json_answer(JsonObject{{"value", std::move(list)}});
    }
    if (path.size() == 3) co_return co_await certificate(std::move(call));
    if (path.size() != 4) co_return fail(Errc::not_found, "no such operation on certificates");
    if (call.method != "POST") co_return fail(wrong_method("POST"));
    if (is(path[3], "verificationCode")) co_return answer_with(co_await parts_.authorities.new_verification_code(path[2]));
    if (!is(path[3], "verify")) co_return fail(Errc::not_found, "no such operation on certificates");
    SELVAGE_CO_TRY(const auto body, parse_json_object(call.body));
    const std::string proof(find_text(properties_of(body), "certificate"));
    co_return answer_with(co_await parts_.authorities.verify(path[2], proof));
}

Service::Answer Service::certificate(Call call) {
    const std::string name = call.target.path[2];
    if (call.method == "GET") co_return answer_with(parts_.authorities.get(name));
    if (call.method == "DELETE") {
        SELVAGE_CO_CHECK(co_await parts_.authorities.remove(name));
        co_await parts_.registry.close_certified();
        co_return empty_answer();
    }
    if (call.method != "PUT") co_return fail(wrong_method("GET, PUT, DELETE"));
    SELVAGE_CO_TRY(const auto body, parse_json_object(call.body));
    const auto& properties = properties_of(body);
    const bool replaces = parts_.authorities.get(name).has_value();
    const auto put = co_await parts_.authorities.put(name, std::string(find_text(properties, "certificate")),
                                                     find_bool(properties, "isVerified"));
    if (put && replaces) co_await parts_.registry.close_certified();
    co_return answer_with(put);
}

}  // namespace selvage::cloud::service_http
