#include "edge/daemon/api/management_api.h"

#include <fmt/core.h>

#include "base/log.h"
#include "edge/daemon/agent_spec.h"

namespace selvage::edge::daemon {
namespace {

using management::ModuleDetails;
using management::ModuleSpec;
using management::ModuleStatus;
using net::HttpResponse;

// Where a handler ends with its answer instead of a value.
template <class T>
using OrResponse = std::expected<T, HttpResponse>;

OrResponse<ModuleSpec> spec_of(const ApiCall& call) {
    if (!call.body) return std::unexpected(error_response(400, "missing request body"));
    auto spec = management::parse_module_spec(*call.body);
    if (!spec) return std::unexpected(error_response(spec.error(), ErrorSource::request, ""));
    return std::move(*spec);
}

HttpResponse forbidden() { return error_response(403, "forbidden"); }

HttpResponse done(const Result<>& result) {
    return result ? empty_response(204) : error_response(result.error(), ErrorSource::engine, "");
}

// What POST and PUT answer: the request's configuration, without credentials.
HttpResponse created(const ModuleSpec& spec, ModuleStatus status) {
    ModuleDetails details;
    details.name = spec.name;
    details.type = spec.type;
    details.status = status;
    JsonObject body = management::to_json(details);
    body["config"] = management::config_to_json(spec);
    return json_response(201, body);
}

Awaitable<bool> is_agent(ManagementParts& parts, const ApiCall& call) {
    const int pid = call.caller_pid;
    co_return co_await parts.callers.is_module(pid, std::string(kAgentContainer));
}

Awaitable<HttpResponse> list_modules(ManagementParts& parts, ErrorSource source) {
    auto modules = co_await parts.modules.runtime().list();
    if (!modules) co_return error_response(modules.error(), source, "runtime operation error: list modules");
    JsonArray list;
    for (const ModuleDetails& details : *modules) list.push_back(management::to_json(details));
    co_return json_response(200, JsonObject{{"modules", std::move(list)}});
}

Awaitable<HttpResponse> get_module(ManagementParts& parts, ApiCall call) {
    const std::string name = call.arguments[0];
    auto details = co_await parts.modules.runtime().inspect(name);
    if (!details) co_return error_response(details.error(), ErrorSource::engine, fmt::format("runtime operation error: get module \"{}\"", name));
    co_return json_response(200, management::to_json(*details));
}

Awaitable<HttpResponse> create_module(ManagementParts& parts, ApiCall call) {
    const bool allowed = co_await is_agent(parts, call);
    if (!allowed) co_return forbidden();
    auto spec = spec_of(call);
    if (!spec) co_return std::move(spec.error());
    auto result = co_await parts.modules.create(*spec);
    if (!result) co_return error_response(result.error(), ErrorSource::engine, "");
    co_return created(*spec, ModuleStatus::stopped);
}

Awaitable<> replace_later(Modules& modules, std::string name, ModuleSpec spec, bool start) {
    auto replaced = co_await modules.replace(std::move(name), std::move(spec), start);
    if (!replaced && replaced.error().code != Errc::cancelled)
        log::error("daemon.management", "edgeAgent could not be replaced, the watchdog goes on reason={}", replaced.error().detail);
}

Awaitable<HttpResponse> replace_module(ManagementParts& parts, ApiCall call) {
    const bool allowed = co_await is_agent(parts, call);
    if (!allowed) co_return forbidden();
    bool start = false;
    if (const std::string* text = call.target.get("start")) {
        if (*text != "true" && *text != "false") co_return error_response(400, "invalid parameter: start");
        start = *text == "true";
    }
    auto spec = spec_of(call);
    if (!spec) co_return std::move(spec.error());
    const std::string name = call.arguments[0];
    const ModuleStatus status = start ? ModuleStatus::running : ModuleStatus::stopped;
    if (name == kAgentContainer) {
        // Who asks is about to be stopped: the answer comes first, the work goes on without the asker.
        HttpResponse response = created(*spec, status);
        // Asked once more before it is stopped, it gets what is under way; its successor asks for the rest.
        if (parts.modules.is_being_replaced(name)) co_return response;
        parts.background.spawn("replace edgeAgent", replace_later(parts.modules, name, std::move(*spec), start));
        co_return response;
    }
    auto result = co_await parts.modules.replace(name, *spec, start);
    if (!result) co_return error_response(result.error(), ErrorSource::engine, "");
    co_return created(*spec, status);
}

Awaitable<HttpResponse> delete_module(ManagementParts& parts, ApiCall call) {
    const bool allowed = co_await is_agent(parts, call);
    if (!allowed) co_return forbidden();
    auto result = co_await parts.modules.remove(call.arguments[0]);
    // Every failure is 500 here, a container that is not there too: docs/wire/management-api.md#errors.
    if (!result) co_return error_response(500, result.error().detail);
    co_return empty_response(204);
}

Awaitable<HttpResponse> prepare_update(ManagementParts& parts, ApiCall call) {
    const bool allowed = co_await is_agent(parts, call);
    if (!allowed) co_return forbidden();
    auto spec = spec_of(call);
    if (!spec) co_return std::move(spec.error());
    if (spec->name != call.arguments[0]) co_return error_response(400, "module name in spec does not match URI");
    auto result = co_await parts.modules.pull(std::move(*spec));
    co_return done(result);
}

Awaitable<HttpResponse> start_module(ManagementParts& parts, ApiCall call) {
    auto result = co_await parts.modules.start(call.arguments[0]);
    co_return done(result);
}
Awaitable<HttpResponse> stop_module(ManagementParts& parts, ApiCall call) {
    auto result = co_await parts.modules.stop(call.arguments[0]);
    co_return done(result);
}
Awaitable<HttpResponse> restart_module(ManagementParts& parts, ApiCall call) {
    auto result = co_await parts.modules.restart(call.arguments[0]);
    co_return done(result);
}

OrResponse<management::LogQuery> log_query_of(const net::HttpTarget& target, UtcTime now) {
    management::LogQuery query;
    const auto invalid = [](std::string_view name) {
        return std::unexpected(error_response(400, fmt::format("invalid parameter: {}", name)));
    };
    for (const auto& [name, flag] : {std::pair("follow", &query.follow), std::pair("timestamps", &query.timestamps)})
        if (const std::string* text = target.get(name)) {
            if (*text != "true" && *text != "false") return invalid(name);
            *flag = *text == "true";
        }
    if (const std::string* text = target.get("tail")) {
        const auto tail = management::parse_tail(*text);
        if (!tail) return invalid("tail");
        query.tail = *tail;
    }
    if (const std::string* text = target.get("since")) {
        const auto since = management::parse_moment(*text, now);
        if (!since) return invalid("since");
        query.since = *since;
    }
    if (const std::string* text = target.get("until"); text != nullptr && !text->empty()) {
        const auto until = management::parse_moment(*text, now);
        if (!until) return invalid("until");
        query.until = *until;
    }
    return query;
}

Awaitable<Result<>> stream_logs(runtime::ModuleRuntime& runtime, std::string name, management::LogQuery query,
                                net::HttpBodyWriter& writer) {
    co_return co_await runtime.logs(name, query, [&writer](std::string_view part) -> Awaitable<bool> {
        auto written = co_await writer.write(part);
        co_return written.has_value();
    });
}

Awaitable<HttpResponse> module_logs(ManagementParts& parts, ApiCall call) {
    auto query = log_query_of(call.target, parts.time.utc_now());
    if (!query) co_return std::move(query.error());
    runtime::ModuleRuntime& runtime = parts.modules.runtime();
    const std::string name = call.arguments[0];
    // Once the stream has begun there is no status any more, so whether the module exists is asked first.
    auto details = co_await runtime.inspect(name);
    if (!details) co_return error_response(details.error(), ErrorSource::engine, fmt::format("runtime operation error: get logs for module \"{}\"", name));
    HttpResponse response;
    response.headers.set("Content-Type", "text/plain");
    response.stream = [&runtime, name, query = *query](net::HttpBodyWriter& writer) {
        return stream_logs(runtime, name, query, writer);
    };
    co_return response;
}

Awaitable<HttpResponse> list_identities(ManagementParts& parts) {
    auto identities = co_await parts.identities.list();
    if (!identities) co_return error_response(identities.error(), ErrorSource::identities, "failed to list identities");
    JsonArray list;
    for (const auto& identity : *identities) list.push_back(management::to_json(identity));
    co_return json_response(200, JsonObject{{"identities", std::move(list)}});
}

Awaitable<HttpResponse> create_identity(ManagementParts& parts, ApiCall call) {
    const bool allowed = co_await is_agent(parts, call);
    if (!allowed) co_return forbidden();
    if (!call.body) co_return error_response(400, "missing request body");
    if (!call.body->is_object() || find_text(call.body->as_object(), "moduleId").empty())
        co_return error_response(422, "missing field `moduleId`");
    const std::string module_id(find_text(call.body->as_object(), "moduleId"));
    auto identity = co_await parts.identities.create(module_id);
    if (!identity) co_return error_response(identity.error(), ErrorSource::identities, "failed to create identity");
    identity->managed_by = find_text(call.body->as_object(), "managedBy", "iotedge");
    co_return json_response(200, management::to_json(*identity));
}

Awaitable<HttpResponse> update_identity(ManagementParts& parts, ApiCall call) {
    const bool allowed = co_await is_agent(parts, call);
    if (!allowed) co_return forbidden();
    auto identity = co_await parts.identities.update(call.arguments[0]);
    if (!identity) co_return error_response(identity.error(), ErrorSource::identities, "failed to update identity");
    co_return json_response(200, management::to_json(*identity));
}

Awaitable<HttpResponse> delete_identity(ManagementParts& parts, ApiCall call) {
    const bool allowed = co_await is_agent(parts, call);
    if (!allowed) co_return forbidden();
    auto removed = co_await parts.identities.remove(call.arguments[0]);
    if (!removed) co_return error_response(removed.error(), ErrorSource::identities, "failed to delete identity");
    co_return empty_response(204);
}

Awaitable<HttpResponse> system_info(ManagementParts& parts) {
    auto info = co_await parts.system_info.describe();
    if (!info) co_return error_response(500, info.error().detail);
    co_return json_response(200, *info);
}

Awaitable<HttpResponse> system_resources(ManagementParts& parts) {
    auto resources = co_await parts.system_info.resources();
    if (!resources) co_return error_response(500, resources.error().detail);
    co_return json_response(200, *resources);
}

Awaitable<HttpResponse> reprovision(ManagementParts& parts, ApiCall call) {
    const bool allowed = co_await is_agent(parts, call);
    if (!allowed) co_return forbidden();
    parts.on_reprovision();
    co_return empty_response(204);
}

}  // namespace

void add_management_routes(Api& api, ManagementParts& parts) {
    api.set_gate([&parts](int pid, int uid) { return parts.callers.may_manage(pid, uid); });
    const auto call = [&parts](auto handler) {
        return [&parts, handler](ApiCall request) { return handler(parts, std::move(request)); };
    };
    const auto plain = [&parts](auto handler) { return [&parts, handler](ApiCall) { return handler(parts); }; };

    api.add("GET", "/modules", kFirstVersion, [&parts](ApiCall) { return list_modules(parts, ErrorSource::engine); });
    api.add("POST", "/modules", kFirstVersion, call(create_module));
    api.add("GET", "/modules/*", kFirstVersion, call(get_module));
    api.add("PUT", "/modules/*", kFirstVersion, call(replace_module));
    api.add("DELETE", "/modules/*", kFirstVersion, call(delete_module));
    api.add("POST", "/modules/*/start", kFirstVersion, call(start_module));
    api.add("POST", "/modules/*/stop", kFirstVersion, call(stop_module));
    api.add("POST", "/modules/*/restart", kFirstVersion, call(restart_module));
    api.add("POST", "/modules/*/prepareupdate", "2019-01-30", call(prepare_update));
    api.add("GET", "/modules/*/logs", kFirstVersion, call(module_logs));
    api.add("GET", "/identities", kFirstVersion, plain(list_identities));
    api.add("POST", "/identities", kFirstVersion, call(create_identity));
    api.add("PUT", "/identities/*", kFirstVersion, call(update_identity));
    api.add("DELETE", "/identities/*", kFirstVersion, call(delete_identity));
    api.add("GET", "/systeminfo", kFirstVersion, plain(system_info));
    api.add("GET", "/systeminfo/resources", "2019-11-05", plain(system_resources));
    api.add("POST", "/device/reprovision", "2019-10-22", call(reprovision));
}

}  // namespace selvage::edge::daemon
