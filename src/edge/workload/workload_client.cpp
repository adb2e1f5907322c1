#include "edge/workload/workload_client.h"

#include <array>
#include <charconv>

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "base/time_text.h"
#include "net/http.h"

namespace selvage::edge {
namespace {

using async::Awaitable;
using namespace std::chrono_literals;

constexpr std::array kWaits = {100ms, 200ms, 400ms};
constexpr std::size_t kAnswerBytesMax = 4 << 20;
constexpr std::size_t kReasonCharsMax = 300;

// `unix:///path` or `http://host[:port]`. Wire: docs/wire/workload-api.md#transport.
Result<net::Target> parse_uri(std::string_view uri) {
    net::Target target;
    if (uri.starts_with("unix://") && uri.size() > 7) {
        target.unix_path = uri.substr(7);
        return target;
    }
    if (uri.starts_with("http://")) {
        auto authority = uri.substr(7);
        authority = authority.substr(0, authority.find('/'));
        const auto colon = authority.rfind(':');
        target.host = authority.substr(0, colon);
        target.port = 80;
        if (colon != std::string_view::npos) {
            const auto port = authority.substr(colon + 1);
            const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), target.port);
            if (error != std::errc{} || end != port.data() + port.size()) target.host.clear();
        }
        if (!target.host.empty()) return target;
    }
    return fail(Errc::invalid_argument, "'" + std::string(uri) + "' is not unix:///path or http://host:port");
}

bool is_worth_retrying(const Result<net::HttpResponse>& response) {
    if (response) return response->status >= 500;
    return response.error().code == Errc::unavailable || response.error().code == Errc::connection_closed;
}

// Wire: docs/wire/workload-api.md#errors.
Error refusal(const net::HttpResponse& response) {
    std::string text = "the workload API answers " + std::to_string(response.status);
    if (const auto body = parse_json_object(response.body)) {
        const auto reason = find_text(*body, "message");
        if (!reason.empty()) text += ": " + std::string(reason.substr(0, kReasonCharsMax));
    }
    switch (response.status) {
        case 400:
        case 422: return {Errc::invalid_argument, std::move(text)};
        case 401:
        case 403: return {Errc::forbidden, std::move(text)};
        case 404: return {Errc::not_found, std::move(text)};
        default: return {response.status >= 500 ? Errc::unavailable : Errc::malformed, std::move(text)};
    }
}

// A member that must be there.
Result<std::string> member(const JsonObject& answer, std::string_view name) {
    const auto text = find_text(answer, name);
    if (text.empty()) return fail(Errc::malformed, "the answer has no \"" + std::string(name) + "\"");
    return std::string(text);
}

Result<std::string> decoded_member(const JsonObject& answer, std::string_view name) {
    SELVAGE_TRY(const auto text, member(answer, name));
    return from_base64(text);
}

}  // namespace

struct WorkloadClient::Impl {
    async::TimeSource& time;
    ModuleEnvironment environment;
    Result<net::Target> target;
    std::unique_ptr<net::HttpClient> http;

    std::string module_path(std::string_view tail) const {
        return "/modules/" + percent_encode(environment.module_id) + "/genid/" + percent_encode(environment.generation_id) +
               std::string(tail);
    }

    // The answer's JSON object. An empty `body` makes it a GET.
    Awaitable<Result<JsonObject>> call(std::string path, std::string body) {
        if (!target) co_return fail(target.error().in("IOTEDGE_WORKLOADURI"));
        net::HttpRequest request;
        request.method = body.empty() ? "GET" : "POST";
        request.target = path + "?api-version=" + percent_encode(environment.api_version);
        request.headers.set("Accept", "application/json");
        if (!body.empty()) request.headers.set("Content-Type", "application/json");
        request.body = std::move(body);

        auto response = co_await http->send(request);
        for (const auto wait : kWaits) {
            if (!is_worth_retrying(response)) break;
            log::debug("edge.workload", "trying again path={} reason={}", path,
                       response ? std::to_string(response->status) : response.error().detail);
            const auto slept = co_await time.sleep_for(wait);
            if (!slept) co_return fail(slept.error());
            response = co_await http->send(request);
        }
        if (!response) co_return fail(response.error().in("workload API"));
        if (response->status != 200 && response->status != 201) co_return fail(refusal(*response));
        auto answer = parse_json_object(response->body);
        if (!answer) co_return fail(answer.error().in("workload API answer"));
        co_return answer;
    }
};

WorkloadClient::WorkloadClient(net::Dialer& dialer, async::TimeSource& time, ModuleEnvironment environment)
    : impl_(new Impl{time, std::move(environment), fail(Errc::internal, ""), nullptr}) {
    impl_->target = parse_uri(impl_->environment.workload_uri);
    if (!impl_->target) return;
    net::HttpClientSettings settings;
    settings.body_bytes_max = kAnswerBytesMax;
    impl_->http = std::make_unique<net::HttpClient>(dialer, time, *impl_->target, settings);
}

WorkloadClient::~WorkloadClient() = default;

Awaitable<Result<std::string>> WorkloadClient::sign(std::string data) {
    const JsonObject body{{"keyId", "primary"}, {"algo", "HMACSHA256"}, {"data", to_base64(data)}};
    SELVAGE_CO_TRY(const auto answer, co_await impl_->call(impl_->module_path("/sign"), to_text(body)));
    co_return decoded_member(answer, "digest");
}

Awaitable<Result<std::string>> WorkloadClient::trust_bundle() {
    SELVAGE_CO_TRY(const auto answer, co_await impl_->call("/trust-bundle", {}));
    co_return member(answer, "certificate");
}

Awaitable<Result<ServerCertificate>> WorkloadClient::server_certificate(std::string common_name, UtcTime expires) {
    const JsonObject body{{"commonName", common_name}, {"expiration", to_iso8601(expires)}};
    SELVAGE_CO_TRY(const auto answer, co_await impl_->call(impl_->module_path("/certificate/server"), to_text(body)));
    ServerCertificate certificate;
    SELVAGE_CO_TRY(certificate.chain_pem, member(answer, "certificate"));
    const auto* key = find_object(answer, "privateKey");
    if (key == nullptr) co_return fail(Errc::malformed, "the answer has no \"privateKey\"");
    SELVAGE_CO_TRY(certificate.key_pem, member(*key, "bytes"));
    SELVAGE_CO_TRY(const auto expiration, member(answer, "expiration"));
    SELVAGE_CO_TRY(certificate.expires, from_iso8601(expiration));
    co_return certificate;
}

Awaitable<Result<std::string>> WorkloadClient::encrypt(std::string plaintext, std::string iv) {
    const JsonObject body{{"plaintext", to_base64(plaintext)}, {"initializationVector", to_base64(iv)}};
    SELVAGE_CO_TRY(const auto answer, co_await impl_->call(impl_->module_path("/encrypt"), to_text(body)));
    co_return decoded_member(answer, "ciphertext");
}

Awaitable<Result<std::string>> WorkloadClient::decrypt(std::string sealed, std::string iv) {
    const JsonObject body{{"ciphertext", to_base64(sealed)}, {"initializationVector", to_base64(iv)}};
    SELVAGE_CO_TRY(const auto answer, co_await impl_->call(impl_->module_path("/decrypt"), to_text(body)));
    // An empty plaintext is a plaintext.
    co_return from_base64(find_text(answer, "plaintext"));
}

namespace {

class WorkloadTokens final : public device_client::TokenSource {
public:
    explicit WorkloadTokens(WorkloadClient& client) : client_(client) {}

    // The same text that a key's owner would sign. Wire: docs/wire/sas.md.
    Awaitable<Result<std::string>> token(std::string resource, UtcTime expires) override {
        const auto sr = percent_encode(resource);
        const auto se = std::to_string(std::chrono::floor<std::chrono::seconds>(expires).time_since_epoch().count());
        auto digest = co_await client_.sign(sr + "\n" + se);
        if (!digest) co_return fail(digest.error().in("sign"));
        co_return "SharedAccessSignature sr=" + sr + "&sig=" + percent_encode(to_base64(*digest)) + "&se=" + se;
    }

private:
    WorkloadClient& client_;
};

}  // namespace

std::unique_ptr<device_client::TokenSource> token_source_from_workload(WorkloadClient& client) {
    return std::make_unique<WorkloadTokens>(client);
}

}  // namespace selvage::edge
