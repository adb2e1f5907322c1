// CAs whose certificates devices may show. docs/wire/x509.md
#include <cstdio>

#include "base/encoding.h"
#include "base/file.h"
#include "cli/hubctl/commands.h"

namespace selvage::cli::hubctl {

namespace {

constexpr const char* kRoot = "/selvage/certificates";

std::string path_of(const Options& options) {
    return std::string(kRoot) + "/" + percent_encode(options.name);
}

Result<JsonObject> properties_of(const Json& answer) {
    const auto* object = answer.if_object();
    const auto* properties = object != nullptr ? find_object(*object, "properties") : nullptr;
    if (properties == nullptr) return fail(Errc::malformed, "the hub's answer is not a certificate");
    return *properties;
}

Awaitable<Result<JsonObject>> send(ServiceClient& hub, std::string method, std::string path, JsonObject body) {
    ServiceClient::Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.body = to_text(body);
    SELVAGE_CO_TRY(const auto answer, co_await hub.ask(std::move(request)));
    co_return properties_of(answer);
}

void print_code(const Options& options, const std::string& code) {
    std::printf("%s\n", code.c_str());
    std::fprintf(stderr,
                 "sign a certificate with this common name with the CA's key, then:\n"
                 "  hubctl … ca verify --name %s --file PROOF.pem\n",
                 options.name.c_str());
}

}  // namespace

Awaitable<Result<>> ca_add(ServiceClient& hub, Options options) {
    SELVAGE_CO_TRY(const auto pem, read_file(options.ca_certificate_file));
    JsonObject body{{"certificate", pem}, {"isVerified", options.verified}};
    SELVAGE_CO_CHECK(co_await send(hub, "PUT", path_of(options), std::move(body)));
    std::printf("added CA '%s'%s\n", options.name.c_str(), options.verified ? ", verified" : "; it is trusted once verified");
    co_return Result<>{};
}

Awaitable<Result<>> ca_verify(ServiceClient& hub, Options options) {
    if (options.ca_certificate_file.empty()) {
        SELVAGE_CO_TRY(const auto properties, co_await send(hub, "POST", path_of(options) + "/verificationCode", {}));
        print_code(options, std::string(find_text(properties, "verificationCode")));
        co_return Result<>{};
    }
    SELVAGE_CO_TRY(const auto pem, read_file(options.ca_certificate_file));
    SELVAGE_CO_CHECK(co_await send(hub, "POST", path_of(options) + "/verify", {{"certificate", pem}}));
    std::printf("CA '%s' is verified\n", options.name.c_str());
    co_return Result<>{};
}

Awaitable<Result<>> ca_list(ServiceClient& hub, Options options) {
    ServiceClient::Request request;
    request.path = kRoot;
    SELVAGE_CO_TRY(const auto answer, co_await hub.ask(std::move(request)));
    const auto* object = answer.if_object();
    const auto* list = object != nullptr ? find_array(*object, "value") : nullptr;
    if (list == nullptr) co_return fail(Errc::malformed, "the hub's answer is not a list of certificates");
    if (options.json_output) {
        std::printf("%s\n", to_pretty_text(Json(*list)).c_str());
        co_return Result<>{};
    }
    for (const auto& one : *list) {
        SELVAGE_CO_TRY(const auto properties, properties_of(one));
        const std::string name(find_text(one.get_object(), "name"));
        const std::string subject(find_text(properties, "subject"));
        const std::string expiry(find_text(properties, "expiry").substr(0, 10));
        std::printf("%-30s %-12s until %s  %s\n", name.c_str(), find_bool(properties, "isVerified") ? "verified" : "unverified",
                    expiry.c_str(), subject.c_str());
    }
    if (list->empty()) std::fprintf(stderr, "the hub has no CAs of devices\n");
    co_return Result<>{};
}

Awaitable<Result<>> ca_delete(ServiceClient& hub, Options options) {
    ServiceClient::Request request;
    request.method = "DELETE";
    request.path = path_of(options);
    SELVAGE_CO_CHECK(co_await hub.ask(std::move(request)));
    std::printf("removed CA '%s'\n", options.name.c_str());
    co_return Result<>{};
}

}  // namespace selvage::cli::hubctl
