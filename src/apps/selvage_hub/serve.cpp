#include "apps/selvage_hub/serve.h"

#include <fmt/core.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>

#include "assembly/cloud_process.h"
#include "assembly/listening_file.h"
#include "async/signals.h"
#include "async/task_group.h"
#include "base/log.h"

namespace selvage::apps {

namespace {

using assembly::CloudProcess;
using assembly::ListenAt;
using assembly::ListeningFile;
using async::Awaitable;
using cloud::data_folder::HubSettings;

void announce(const ServeOptions& options, const std::string& host, const ListenAt& at) {
    std::printf("selvage-hub ready: host=%s mqtt=%s:%u amqp=%s:%u https=%s:%u data=%s\n", host.c_str(), at.address.c_str(),
                at.mqtt_port, at.address.c_str(), at.amqp_port, at.address.c_str(), at.https_port,
                options.folder.root.c_str());
    std::fflush(stdout);
}

Awaitable<Result<>> start(CloudProcess& hub, ListeningFile& listening, const ServeOptions& options,
                          const HubSettings& settings, const Clock& clock, Random& random) {
    SELVAGE_CO_TRY(auto certificate,
                   cloud::data_folder::server_certificate(options.folder, settings.host_name, clock, random));
    ListenAt where{options.listen_address.value_or(settings.listen_address),
                   options.mqtt_port.value_or(settings.mqtt_port), options.amqp_port.value_or(settings.amqp_port),
                   options.https_port.value_or(settings.https_port), [](std::string_view protocol) {
                       return fmt::format("stop what uses the port, or change [listen] {}_port in hub.toml", protocol);
                   }};
    SELVAGE_CO_CHECK(co_await hub.start(std::move(certificate), std::move(where)));
    const ListenAt at = hub.listening_at();
    listening.write({.address = at.address, .mqtt_port = at.mqtt_port, .https_port = at.https_port});
    announce(options, settings.host_name, at);
    co_return Result<>{};
}

}  // namespace

Result<> make_stores(const cloud::data_folder::DataFolder& folder) {
    SELVAGE_TRY(const auto settings, cloud::data_folder::read_settings(folder));
    boost::asio::io_context loop(1);
    async::SystemTime time;
    SystemRandom random;
    const assembly::Surroundings around{loop.get_executor(), time, time, random};
    SELVAGE_TRY(auto stores, assembly::CloudStores::open(around, folder, settings));
    async::spawn_root(loop.get_executor(), stores.stop(), [&loop] { loop.stop(); });
    loop.run();
    return {};
}

Result<> serve(const ServeOptions& options) {
    SELVAGE_TRY(const auto settings, cloud::data_folder::read_settings(options.folder));
    SELVAGE_TRY(auto policies, cloud::data_folder::read_policies(options.folder));
    boost::asio::io_context loop(1);
    async::SystemTime time;
    SystemRandom random;
    const assembly::Surroundings around{loop.get_executor(), time, time, random};
    SELVAGE_TRY(auto stores, assembly::CloudStores::open(around, options.folder, settings));
    CloudProcess hub(around, settings, std::move(stores), std::move(policies));
    ListeningFile listening(around.loop, time, options.folder);
    Result<> outcome;
    const auto run = [&]() -> Awaitable<> {
        outcome = co_await start(hub, listening, options, settings, time, random);
        if (outcome) {
            co_await async::wait_for_stop_signal();
            log::info("hub", "stopping");
        }
        co_await listening.stop();
        co_await hub.stop();
    };
    async::spawn_root(loop.get_executor(), run(), [&loop] { loop.stop(); });
    loop.run();
    return outcome;
}

}  // namespace selvage::apps
