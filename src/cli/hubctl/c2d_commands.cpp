#include <fmt/core.h>

#include <cstdio>

#include "base/encoding.h"
#include "base/file.h"
#include "base/time_text.h"
#include "cli/hubctl/commands.h"

namespace selvage::cli::hubctl {

namespace {

constexpr std::chrono::milliseconds kAskAgainAfter{500};

std::chrono::milliseconds milliseconds_of(double seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

}  // namespace

Result<JsonArray> message_of(const Options& options, std::string body, UtcTime now) {
    JsonObject properties;
    const auto set = [&properties](std::string_view name, const std::string& value) {
        if (!value.empty()) properties[name] = value;
    };
    set("iothub-ack", options.ack);
    set("iothub-messageid", options.message_id);
    set("iothub-correlationid", options.correlation_id);
    set("iothub-contenttype", options.content_type);
    set("iothub-contentencoding", options.content_encoding);
    if (options.expiry_seconds) set("iothub-expiry", to_iso8601(now + milliseconds_of(*options.expiry_seconds)));
    for (const auto& property : options.properties) {
        const auto equals = property.find('=');
        if (equals == std::string::npos || equals == 0) {
            return fail(Errc::invalid_argument, "--property: give NAME=VALUE, not '" + property + "'");
        }
        properties["iothub-app-" + property.substr(0, equals)] = property.substr(equals + 1);
    }
    return JsonArray{JsonObject{{"body", to_base64(body)}, {"base64Encoded", true}, {"properties", std::move(properties)}}};
}

Awaitable<Result<>> c2d_send(ServiceClient& hub, Options options) {
    std::string body = options.body;
    if (!options.body_file.empty()) {
        SELVAGE_CO_TRY(body, read_file(options.body_file));
    }
    SELVAGE_CO_TRY(auto message, message_of(options, std::move(body), hub.utc_now()));
    ServiceClient::Request request;
    request.method = "POST";
    request.path = "/selvage" + identity_path("devices", options.device, "") + "/messages/devicebound";
    request.content_type = "application/vnd.microsoft.iothub.json";
    request.body = to_text(Json(std::move(message)));
    SELVAGE_CO_TRY(const auto answer, co_await hub.ask(std::move(request)));
    const auto* sent = answer.if_object();
    if (sent == nullptr) co_return fail(Errc::malformed, "the hub's answer is not a JSON object");
    std::printf("queued message %lld for device '%s', until %s\n",
                static_cast<long long>(find_integer(*sent, "sequenceNumber")), options.device.c_str(),
                std::string(find_text(*sent, "expiryTimeUtc")).c_str());
    co_return Result<>{};
}

Awaitable<Result<>> c2d_purge(ServiceClient& hub, Options options) {
    ServiceClient::Request request;
    request.method = "DELETE";
    request.path = identity_path("devices", options.device, "") + "/commands";
    SELVAGE_CO_TRY(const auto answer, co_await hub.ask(std::move(request)));
    const auto* purged = answer.if_object();
    if (purged == nullptr) co_return fail(Errc::malformed, "the hub's answer is not a JSON object");
    std::printf("purged %lld messages of device '%s'\n",
                static_cast<long long>(find_integer(*purged, "totalMessagesPurged")), options.device.c_str());
    co_return Result<>{};
}

Awaitable<Result<>> c2d_feedback(async::TimeSource& time, ServiceClient& hub, Options options) {
    const TimePoint until = time.now() + milliseconds_of(options.wait_seconds.value_or(0));
    const std::string path = "/messages/serviceBound/feedback";
    while (true) {
        ServiceClient::Request request;
        request.path = path;
        SELVAGE_CO_TRY(const auto answer, co_await hub.exchange(std::move(request)));
        if (answer.status == 204) {
            if (time.now() >= until) break;
            SELVAGE_CO_CHECK(co_await time.sleep_for(kAskAgainAfter));
            continue;
        }
        SELVAGE_CO_TRY(const auto batch, parse_json(answer.body));
        if (!batch.is_array()) co_return fail(Errc::malformed, "the hub's feedback is not a JSON array");
        for (const auto& record : batch.get_array())
            std::printf("%s\n", to_text(record).c_str());
        if (std::fflush(stdout) != 0) co_return fail(Errc::io_error, "the feedback could not be printed and stays");
        std::string token(answer.headers.get("ETag"));
        std::erase(token, '"');
        ServiceClient::Request done;
        done.method = "DELETE";
        done.path = path + "/" + percent_encode(token);
        SELVAGE_CO_CHECK(co_await hub.exchange(std::move(done)));
        co_return Result<>{};
    }
    std::fprintf(stderr, "there is no feedback\n");
    co_return Result<>{};
}

}  // namespace selvage::cli::hubctl
