#include "dev/telemetry_view.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "base/time_text.h"
#include "cli/hubctl/event_text.h"

namespace selvage::dev {
namespace {

constexpr std::size_t kEventsMax = 200;
constexpr std::size_t kBytesMax = 1 << 20;
// More identities than this nobody waits for.
constexpr std::size_t kSendersMax = 2000;

// As the hub's own answer: docs/wire/event-read.md
JsonObject event_json(std::size_t partition, const cloud::telemetry::Event& event) {
    JsonObject properties;
    for (const auto& property : event.message.properties)
        properties[property.name] = property.value ? Json(*property.value) : Json(nullptr);
    JsonObject system;
    for (const auto& entry : event.message.system) system[domain::name(entry.property)] = entry.value;
    return {{"partition", partition},
            {"offset", event.offset},
            {"enqueuedTimeUtc", to_iso8601(event.enqueued)},
            {"body", to_base64(event.message.body)},
            {"properties", std::move(properties)},
            {"systemProperties", std::move(system)}};
}

}  // namespace

TelemetryView::TelemetryView(async::Executor loop, bool json, Show show)
    : loop_(loop), json_(json), show_(std::move(show)), heard_(loop) {}

void TelemetryView::follow(cloud::telemetry::EventLog& events) {
    if (next_.empty())
        for (std::size_t i = 0; i < events.partitions(); ++i) next_.push_back(events.state(i).end);
    readers_ = std::make_unique<async::TaskGroup>(loop_);
    for (std::size_t i = 0; i < next_.size(); ++i) readers_->spawn("telemetry view", read(events, i));
}

async::Awaitable<> TelemetryView::pause() {
    if (readers_) co_await readers_->stop();
}

async::Awaitable<> TelemetryView::heard_from(std::size_t count) {
    while (senders_.size() < count) {
        heard_.reset();
        co_await heard_.wait();
        if (!heard_.is_set()) co_return;
    }
}

async::Awaitable<> TelemetryView::read(cloud::telemetry::EventLog& events, std::size_t partition) {
    while (!readers_->stopping()) {
        const auto batch = co_await events.read(partition, next_[partition], kEventsMax, kBytesMax);
        if (!batch) {
            if (batch.error().code != Errc::unavailable && batch.error().code != Errc::cancelled)
                log::error("dev.telemetry", "partition {} is not shown any more: {}", partition, batch.error().detail);
            co_return;
        }
        for (const auto& event : batch->events) take(partition, event);
        next_[partition] = batch->next;
        if (batch->events.empty()) co_await events.wait(partition, next_[partition]);
    }
}

void TelemetryView::take(std::size_t partition, const cloud::telemetry::Event& event) {
    using domain::SystemProperty;
    std::string sender(event.message.get(SystemProperty::connection_device_id).value_or(""));
    sender += '/';
    sender += event.message.get(SystemProperty::connection_module_id).value_or("");
    const auto place = std::ranges::lower_bound(senders_, sender);
    if ((place == senders_.end() || *place != sender) && senders_.size() < kSendersMax) {
        senders_.insert(place, sender);
        heard_.set();
    }
    if (!show_) return;
    const auto object = cli::hubctl::event_object(event_json(partition, event));
    show_(json_ ? to_text(object) : cli::hubctl::event_lines(object));
}

}  // namespace selvage::dev
