#include "edge/management/management_client.h"

#include <fmt/core.h>

#include "base/encoding.h"
#include "net/http.h"

namespace selvage::edge::management {
namespace {

constexpr std::chrono::minutes kPullTimeout{10};
constexpr std::chrono::seconds kUsualTimeout{60};
constexpr std::size_t kErrorBytesMax = 64 * 1024;

Errc code_of(int status) {
    switch (status) {
        case 400: return Errc::invalid_argument;
        case 403: return Errc::forbidden;
        case 404: return Errc::not_found;
        case 409: return Errc::already_exists;
        case 422: return Errc::malformed;
        case 429: return Errc::throttled;
        default: return Errc::internal;
    }
}

Error refusal(std::string_view operation, int status, std::string_view body) {
    std::string message;
    if (const auto object = parse_json_object(body)) message = find_text(*object, "message");
    if (message.empty()) message = fmt::format("HTTP status {}", status);
    return {code_of(status), fmt::format("Error calling {}: {}", operation, message)};
}

std::string logs_target(const std::string& path, const LogQuery& query) {
    std::string target = fmt::format("{}&follow={}&timestamps={}&since={}&tail={}", path, query.follow, query.timestamps,
                                     query.since, query.tail ? std::to_string(*query.tail) : "all");
    if (query.until) target += fmt::format("&until={}", *query.until);
    return target;
}

}  // namespace

Result<std::string> socket_path_of(std::string_view uri) {
    constexpr std::string_view kScheme = "unix://";
    if (!uri.starts_with(kScheme) || uri.size() <= kScheme.size() || uri[kScheme.size()] != '/')
        return fail(Errc::invalid_argument, fmt::format("\"{}\" is no unix:///path of a socket", uri));
    return std::string(uri.substr(kScheme.size()));
}

struct ManagementClient::Impl {
    net::Dialer& dialer;
    async::TimeSource& time;
    std::string uri;
    std::string api_version;

    std::string target(std::string_view path) const { return fmt::format("{}?api-version={}", path, api_version); }
    static std::string module_path(std::string_view name) { return "/modules/" + percent_encode(name); }
    static std::string identity_path(std::string_view id) { return "/identities/" + percent_encode(id); }

    Result<net::HttpClient> client(std::chrono::milliseconds timeout) const {
        SELVAGE_TRY(std::string path, socket_path_of(uri));
        net::Target where;
        where.host = "localhost";
        where.unix_path = std::move(path);
        net::HttpClientSettings settings;
        settings.response_timeout = timeout;
        return Result<net::HttpClient>(std::in_place, dialer, time, std::move(where), settings);
    }

    net::HttpRequest request(std::string method, std::string target) const {
        net::HttpRequest request;
        request.method = std::move(method);
        request.target = std::move(target);
        request.headers.set("Accept", "application/json");
        // A connection a call: a kept one would be dead after a restart of the daemon.
        request.headers.set("Connection", "close");
        return request;
    }

    // Sends and turns every status that is not 2xx or 304 into an error that names `operation`.
    Awaitable<Result<std::string>> call(std::string operation, net::HttpRequest request,
                                        std::chrono::milliseconds timeout = kUsualTimeout) {
        auto http = client(timeout);
        if (!http) co_return fail(http.error());
        if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
        auto response = co_await http->send(std::move(request));
        if (!response) co_return fail(response.error().in(fmt::format("Error calling {}", operation)));
        if (response->status >= 300 && response->status != 304)
            co_return fail(refusal(operation, response->status, response->body));
        co_return std::move(response->body);
    }

    Awaitable<Result<>> command(std::string operation, net::HttpRequest request,
                                std::chrono::milliseconds timeout = kUsualTimeout) {
        auto body = co_await call(std::move(operation), std::move(request), timeout);
        if (!body) co_return fail(body.error());
        co_return Result<>();
    }

    Awaitable<Result<JsonObject>> read(std::string operation, net::HttpRequest request,
                                       std::chrono::milliseconds timeout = kUsualTimeout) {
        auto body = co_await call(operation, std::move(request), timeout);
        if (!body) co_return fail(body.error());
        auto object = parse_json_object(*body);
        if (!object) co_return fail(object.error().in(operation));
        co_return std::move(*object);
    }

    Awaitable<Result<ModuleDetails>> read_module(std::string operation, net::HttpRequest request,
                                                 std::chrono::milliseconds timeout = kUsualTimeout) {
        auto object = co_await read(operation, std::move(request), timeout);
        if (!object) co_return fail(object.error());
        auto details = parse_module_details(Json(std::move(*object)));
        if (!details) co_return fail(details.error().in(operation));
        co_return std::move(*details);
    }

    Awaitable<Result<ModuleIdentity>> read_identity(std::string operation, net::HttpRequest request) {
        auto object = co_await read(operation, std::move(request));
        if (!object) co_return fail(object.error());
        auto identity = parse_module_identity(Json(std::move(*object)));
        if (!identity) co_return fail(identity.error().in(operation));
        co_return std::move(*identity);
    }
};

ManagementClient::ManagementClient(net::Dialer& dialer, async::TimeSource& time, std::string management_uri,
                                   std::string api_version)
    : impl_(new Impl{dialer, time, std::move(management_uri), std::move(api_version)}) {}
ManagementClient::~ManagementClient() = default;

Awaitable<Result<std::vector<ModuleDetails>>> ManagementClient::list_modules() {
    auto object = co_await impl_->read("List modules", impl_->request("GET", impl_->target("/modules")));
    if (!object) co_return fail(object.error());
    std::vector<ModuleDetails> modules;
    const JsonArray* array = find_array(*object, "modules");
    if (array == nullptr) co_return fail(Errc::malformed, "List modules: the answer has no `modules`");
    for (const Json& entry : *array) {
        auto details = parse_module_details(entry);
        if (!details) co_return fail(details.error().in("List modules"));
        modules.push_back(std::move(*details));
    }
    co_return modules;
}

Awaitable<Result<ModuleDetails>> ManagementClient::module(std::string name) {
    co_return co_await impl_->read_module(fmt::format("Get module {}", name),
                                          impl_->request("GET", impl_->target(Impl::module_path(name))));
}

Awaitable<Result<ModuleDetails>> ManagementClient::create_module(ModuleSpec spec) {
    net::HttpRequest request = impl_->request("POST", impl_->target("/modules"));
    request.body = to_text(to_json(spec));
    co_return co_await impl_->read_module(fmt::format("Create module {}", spec.name), std::move(request), kPullTimeout);
}

Awaitable<Result<ModuleDetails>> ManagementClient::update_module(ModuleSpec spec, bool start) {
    net::HttpRequest request =
        impl_->request("PUT", fmt::format("{}&start={}", impl_->target(Impl::module_path(spec.name)), start));
    request.body = to_text(to_json(spec));
    std::string operation = fmt::format("update {}module {}", start ? "and start " : "", spec.name);
    co_return co_await impl_->read_module(std::move(operation), std::move(request), kPullTimeout);
}

Awaitable<Result<>> ManagementClient::prepare_update(ModuleSpec spec) {
    net::HttpRequest request =
        impl_->request("POST", impl_->target(Impl::module_path(spec.name) + "/prepareupdate"));
    request.body = to_text(to_json(spec));
    co_return co_await impl_->command(fmt::format("prepare update for module {}", spec.name), std::move(request),
                                      kPullTimeout);
}

Awaitable<Result<>> ManagementClient::delete_module(std::string name) {
    co_return co_await impl_->command(fmt::format("Delete module {}", name),
                                      impl_->request("DELETE", impl_->target(Impl::module_path(name))));
}

Awaitable<Result<>> ManagementClient::start_module(std::string name) {
    co_return co_await impl_->command(fmt::format("start module {}", name),
                                      impl_->request("POST", impl_->target(Impl::module_path(name) + "/start")));
}

Awaitable<Result<>> ManagementClient::stop_module(std::string name) {
    co_return co_await impl_->command(fmt::format("stop module {}", name),
                                      impl_->request("POST", impl_->target(Impl::module_path(name) + "/stop")));
}

Awaitable<Result<>> ManagementClient::restart_module(std::string name) {
    co_return co_await impl_->command(fmt::format("Restart module {}", name),
                                      impl_->request("POST", impl_->target(Impl::module_path(name) + "/restart")));
}

Awaitable<Result<>> ManagementClient::logs(std::string name, LogQuery query,
                                           std::function<Awaitable<bool>(std::string_view part)> on_part) {
    const std::string operation = fmt::format("Get logs for {}", name);
    auto http = impl_->client(kUsualTimeout);
    if (!http) co_return fail(http.error());
    struct State {
        bool refused = false;
        std::string error_body;
    };
    const auto state = std::make_shared<State>();
    const auto on_head = [state](const net::HttpResponse& head) {
        state->refused = head.status >= 300;
        return true;
    };
    const auto on_body = [state, on_part](std::string_view part) -> Awaitable<bool> {
        if (!state->refused) co_return co_await on_part(part);
        state->error_body.append(part.substr(0, kErrorBytesMax - state->error_body.size()));
        co_return state->error_body.size() < kErrorBytesMax;
    };
    net::HttpRequest request =
        impl_->request("GET", logs_target(impl_->target(Impl::module_path(name) + "/logs"), query));
    auto response = co_await http->stream(std::move(request), on_body, on_head);
    if (!response) co_return fail(response.error().in(fmt::format("Error calling {}", operation)));
    if (state->refused) co_return fail(refusal(operation, response->status, state->error_body));
    co_return Result<>();
}

Awaitable<Result<std::vector<ModuleIdentity>>> ManagementClient::list_identities() {
    auto object = co_await impl_->read("List identities", impl_->request("GET", impl_->target("/identities/")));
    if (!object) co_return fail(object.error());
    std::vector<ModuleIdentity> identities;
    const JsonArray* array = find_array(*object, "identities");
    if (array == nullptr) co_return fail(Errc::malformed, "List identities: the answer has no `identities`");
    for (const Json& entry : *array) {
        auto identity = parse_module_identity(entry);
        if (!identity) co_return fail(identity.error().in("List identities"));
        identities.push_back(std::move(*identity));
    }
    co_return identities;
}

Awaitable<Result<ModuleIdentity>> ManagementClient::create_identity(std::string module_id) {
    net::HttpRequest request = impl_->request("POST", impl_->target("/identities/"));
    request.body = to_text(JsonObject{{"moduleId", module_id}, {"managedBy", "IotEdge"}});
    co_return co_await impl_->read_identity(fmt::format("Create identity for {}", module_id), std::move(request));
}

Awaitable<Result<ModuleIdentity>> ManagementClient::update_identity(ModuleIdentity identity) {
    net::HttpRequest request = impl_->request("PUT", impl_->target(Impl::identity_path(identity.module_id)));
    request.body = to_text(JsonObject{{"generationId", identity.generation_id}, {"managedBy", identity.managed_by}});
    std::string operation =
        fmt::format("Update identity for {} with generation ID {}", identity.module_id, identity.generation_id);
    co_return co_await impl_->read_identity(std::move(operation), std::move(request));
}

Awaitable<Result<>> ManagementClient::delete_identity(std::string module_id) {
    co_return co_await impl_->command(fmt::format("Delete identity for {}", module_id),
                                      impl_->request("DELETE", impl_->target(Impl::identity_path(module_id))));
}

Awaitable<Result<JsonObject>> ManagementClient::system_info() {
    co_return co_await impl_->read("Getting System Info", impl_->request("GET", impl_->target("/systeminfo")));
}

Awaitable<Result<JsonObject>> ManagementClient::system_resources() {
    co_return co_await impl_->read("Getting System Resources",
                                   impl_->request("GET", impl_->target("/systeminfo/resources")));
}

Awaitable<Result<>> ManagementClient::reprovision() {
    co_return co_await impl_->command("reprovision the device",
                                      impl_->request("POST", impl_->target("/device/reprovision")));
}

}  // namespace selvage::edge::management
