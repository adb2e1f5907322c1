#include "dev/cloud_side.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/file.h"
#include "codec/connection_string/connection_string.h"

namespace selvage::dev {

namespace data_folder = cloud::data_folder;

CloudSide::CloudSide(assembly::Surroundings around, const Folder& folder, assembly::ListenAt where, std::size_t modules_max,
                     TelemetryView& view)
    : around_(std::move(around)), folder_(folder), where_(std::move(where)), modules_max_(modules_max), view_(view) {}

Result<data_folder::HubSettings> CloudSide::settings() const {
    const auto hub = folder_.hub();
    if (!file_exists(hub.settings()))
        SELVAGE_CHECK(data_folder::make_hub(hub, where_.address, around_.client_time, around_.random));
    SELVAGE_TRY(auto settings, data_folder::read_settings(hub));
    if (settings.host_name != where_.address)
        return fail(Errc::invalid_argument,
                    fmt::format("--data {}: its certificates are for {}; give --listen {}, or another folder", folder_.path(),
                                settings.host_name, settings.host_name));
    settings.modules_per_device_max = std::max(settings.modules_per_device_max, modules_max_);
    // What is thrown away at the end need not survive a power cut.
    if (folder_.is_temporary()) settings.durable_against_power_loss = false;
    return settings;
}

async::Awaitable<Result<>> CloudSide::start() {
    const auto hub = folder_.hub();
    SELVAGE_CO_TRY(const auto hub_settings, settings());
    SELVAGE_CO_TRY(auto policies, data_folder::read_policies(hub));
    for (const auto& policy : policies) {
        if (policy.name != "iothubowner") continue;
        codec::ConnectionString text;
        text.host_name = hub_settings.host_name;
        text.policy_name = policy.name;
        text.key = policy.primary_key;
        owner_ = codec::to_text(text);
    }
    SELVAGE_CO_TRY(auto certificate, data_folder::server_certificate(hub, hub_settings.host_name, around_.client_time,
                                                                     around_.random));
    SELVAGE_CO_TRY(auto stores, assembly::CloudStores::open(around_, hub, hub_settings));
    process_ = std::make_unique<assembly::CloudProcess>(around_, hub_settings, std::move(stores), std::move(policies));
    SELVAGE_CO_CHECK(co_await process_->start(std::move(certificate), where_));
    auto advice = std::move(where_.advice);
    // Ports that were free once are kept: clients know them now.
    where_ = process_->listening_at();
    where_.advice = std::move(advice);
    listening_ = std::make_unique<assembly::ListeningFile>(around_.loop, around_.client_time, hub);
    listening_->write({.address = where_.address, .mqtt_port = where_.mqtt_port, .https_port = where_.https_port});
    view_.follow(process_->events());
    co_return Result<>();
}

async::Awaitable<> CloudSide::stop() {
    if (listening_) co_await listening_->stop();
    listening_.reset();
    co_await view_.pause();
    if (process_) co_await process_->stop();
    process_.reset();
}

async::Awaitable<Result<>> CloudSide::restart() {
    co_await stop();
    co_return co_await start();
}

}  // namespace selvage::dev
