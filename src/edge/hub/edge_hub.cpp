#include "edge/hub/edge_hub.h"

#include "base/log.h"
#include "edge/hub/hub_core.h"

namespace selvage::edge::hub {
namespace {

constexpr const char* kSessionsBucket = "sessions";

}  // namespace

EdgeHub::Core::Core(Surroundings given, HubSettings hub_settings)
    : around(std::move(given)),
      settings(std::move(hub_settings)),
      own(domain::Identity::of_module(settings.edge_device, domain::kEdgeHubModule)),
      sealed(around.state, around.random, std::move(around.data_key)),
      scope_api(around.dialer, around.time, around.tokens,
                {.edge_device = settings.edge_device,
                 .hub_host = settings.hub_host,
                 .target = settings.upstream_https,
                 .deadline = settings.upstream_patience}),
      scope(around.loop, around.time, sealed, scope_api, *this, settings.scope),
      authenticator(around.client_time ? *around.client_time : around.time, scope,
                    {.edge_device = settings.edge_device, .hub_host = settings.hub_host, .edge_host = settings.edge_host}),
      store(around.log, around.time, settings.edge_device, counters),
      inputs({.loop = around.loop, .time = around.time, .log = around.log, .counters = counters}),
      links(around.loop, around.time, around.random, around.dialer, around.tokens,
            {.edge_device = settings.edge_device,
             .hub_host = settings.hub_host,
             .target = settings.upstream_mqtt,
             .product_info = "EdgeHub/" + settings.version.version,
             .idle_close = settings.upstream_idle_close,
             .reconnect_max = settings.upstream_reconnect_max},
            *this),
      pump(around.loop, around.time, around.log, links, counters, {}),
      twins(around.loop, around.time, sealed, links, *this, counters, {.answer_patience = settings.upstream_patience}),
      own_twin(around.loop, around.time, sealed, twins,
               [this](HubConfiguration configuration) {
                   store.apply(std::move(configuration.routes), configuration.time_to_live);
               },
               {.edge_device = settings.edge_device,
                .version = settings.version,
                .refresh_every = settings.configuration_refresh}),
      methods(around.loop, around.client_time ? *around.client_time : around.time, around.random, counters,
              [this](const domain::Identity& target, const std::string& request_id, const domain::MethodRequest& request) {
                  const auto session = sessions.find(target);
                  return session && session->invoke_method(request_id, request);
              }),
      session_parts{around.loop, around.time, around.random, store,    inputs,
                    twins,       links,       methods,       counters, settings.edge_device},
      sessions(session_parts, *this, settings.clients_max),
      tasks(around.loop) {}

void EdgeHub::Core::add_queue(const StoredQueue& queue) {
    if (std::holds_alternative<query::UpstreamSink>(queue.address.sink))
        pump.add_queue(queue);
    else
        inputs.add_queue(queue);
}

async::Awaitable<Result<>> EdgeHub::Core::start() {
    SELVAGE_CO_CHECK(co_await scope.load());
    store.open([this](const StoredQueue& queue) { add_queue(queue); });
    links.start();
    scope.start();
    inputs.start();
    pump.start();
    SELVAGE_CO_CHECK(co_await twins.start());
    SELVAGE_CO_CHECK(co_await own_twin.start());
    if (!own_twin.is_configured()) log::info("edge.hub", "no configuration is stored, waiting for the hub above");
    co_await own_twin.configured();
    if (!own_twin.is_configured()) co_return fail(Errc::cancelled, "stopped before there was a configuration");
    co_return Result<>{};
}

async::Awaitable<> EdgeHub::Core::stop() {
    sessions.close_all(hub_api::CloseReason::shutting_down);
    co_await tasks.stop();
    co_await own_twin.stop();
    co_await twins.stop();
    co_await pump.stop();
    co_await inputs.stop();
    co_await scope.stop();
    co_await links.stop();
}

EdgeHub::EdgeHub(Surroundings surroundings, HubSettings settings)
    : core_(std::make_unique<Core>(std::move(surroundings), std::move(settings))) {}
EdgeHub::~EdgeHub() = default;

async::Awaitable<Result<>> EdgeHub::start() { return core_->start(); }
async::Awaitable<> EdgeHub::stop() { return core_->stop(); }
const HubCounters& EdgeHub::counters() const { return core_->counters; }

const std::string& EdgeHub::host_name() const { return core_->settings.hub_host; }

hub_api::Awaitable<Result<hub_api::Grant>> EdgeHub::authenticate(hub_api::Credentials credentials) {
    auto grant = co_await core_->authenticator.authenticate(credentials);
    if (grant)
        core_->proven[grant->identity] = std::move(credentials);
    else
        ++core_->counters.clients_refused;
    co_return grant;
}

hub_api::Awaitable<Result<std::unique_ptr<hub_api::DeviceSession>>> EdgeHub::open(hub_api::Grant grant,
                                                                                  hub_api::ConnectionInfo info,
                                                                                  std::weak_ptr<hub_api::DeviceSink> sink) {
    // No protocol of an edge hub is without connections.
    if (info.transient) co_return fail(Errc::unsupported, "an edge hub has no sessions for one request");
    if (auto proof = core_->proven.extract(grant.identity)) core_->credentials[grant.identity] = std::move(proof.mapped());
    co_return core_->sessions.open(std::move(grant), std::move(info), std::move(sink));
}

hub_api::Awaitable<Result<domain::MethodResponse>> EdgeHub::invoke_method(domain::Identity target,
                                                                          domain::MethodRequest request) {
    return core_->methods.invoke(std::move(target), std::move(request));
}

hub_api::Awaitable<Result<std::optional<std::vector<hub_api::StoredFilter>>>> EdgeHub::load_filters(domain::Identity identity) {
    using Filters = std::vector<hub_api::StoredFilter>;
    SELVAGE_CO_TRY(const auto stored, co_await core_->around.state.get(kSessionsBucket, to_text(identity)));
    if (!stored) co_return std::optional<Filters>();
    SELVAGE_CO_TRY(const auto object, parse_json_object(*stored));
    Filters filters;
    for (const auto& member : object)
        filters.push_back({std::string(member.key()), member.value().is_int64() && member.value().as_int64() > 0
                                                          ? std::uint8_t{1}
                                                          : std::uint8_t{0}});
    co_return filters;
}

hub_api::Awaitable<Result<>> EdgeHub::save_filters(domain::Identity identity, std::vector<hub_api::StoredFilter> filters) {
    JsonObject object;
    for (const auto& filter : filters) object[filter.filter] = filter.qos;
    co_return co_await core_->around.state.put(kSessionsBucket, to_text(identity), to_text(object));
}

hub_api::Awaitable<Result<>> EdgeHub::forget_filters(domain::Identity identity) {
    co_return co_await core_->around.state.erase(kSessionsBucket, to_text(identity));
}

}  // namespace selvage::edge::hub
