// Reading the event log over HTTP: Selvage's own, until readers come over AMQP. docs/wire/event-read.md
#include <algorithm>

#include "async/deadline.h"
#include "base/encoding.h"
#include "base/time_text.h"
#include "cloud/service_http/answers.h"
#include "cloud/service_http/service.h"

namespace selvage::cloud::service_http {

namespace {

constexpr std::int64_t kEventsMax = 1000;
constexpr std::size_t kBytesMax = 1 << 20;

JsonObject event_json(std::size_t partition, const telemetry::Event& event) {
    JsonObject properties;
    for (const auto& property : event.message.properties) {
        properties[property.name] = property.value ? Json(*property.value) : Json(nullptr);
    }
    JsonObject system;
    for (const auto& entry : event.message.system)
        system[domain::name(entry.property)] = entry.value;
    JsonObject json;
    json["partition"] = partition;
    json["offset"] = event.offset;
    json["enqueuedTimeUtc"] = to_iso8601(event.enqueued);
    json["body"] = to_base64(event.message.body);
    json["properties"] = std::move(properties);
    json["systemProperties"] = std::move(system);
    return json;
}

}  // namespace

Service::Answer Service::events(Call call) {
    SELVAGE_CO_CHECK(check_may(call.caller, data_folder::kServiceConnect));
    if (call.method != "GET") co_return fail(wrong_method("GET"));
    if (call.target.path.size() == 2) co_return co_await read_events(std::move(call));
    if (call.target.path.size() == 3 && equals_ignoring_case(call.target.path[2], "partitions")) {
        co_return co_await partitions(std::move(call));
    }
    co_return fail(Errc::not_found, "no such resource of the event log");
}

Service::Answer Service::read_events(Call call) {
    SELVAGE_CO_TRY(const auto partition_number, number_in(call.target, "partition", -1));
    SELVAGE_CO_TRY(const auto offset, number_in(call.target, "offset", 0));
    SELVAGE_CO_TRY(const auto most, number_in(call.target, "max", 100));
    SELVAGE_CO_TRY(const auto wait_seconds, number_in(call.target, "wait", 0));
    const auto count = static_cast<std::int64_t>(parts_.events.partitions());
    if (partition_number < 0 || partition_number >= count) {
        co_return fail(Errc::invalid_argument, "partition: give 0 to " + std::to_string(count - 1));
    }
    if (offset < 0) co_return fail(Errc::invalid_argument, "offset: give 0 or more");
    const auto partition = static_cast<std::size_t>(partition_number);
    const auto from = static_cast<storage::Offset>(offset);
    if (const auto wait = std::clamp(std::chrono::seconds(wait_seconds), std::chrono::seconds(0), kWaitMax);
        wait.count() > 0 && parts_.events.state(partition).end <= from) {
        co_await async::run_for(parts_.time, wait, parts_.events.wait(partition, from));
    }
    const auto limit = static_cast<std::size_t>(std::clamp<std::int64_t>(most, 1, kEventsMax));
    SELVAGE_CO_TRY(const auto batch, co_await parts_.events.read(partition, from, limit, kBytesMax));
    JsonArray list;
    for (const auto& event : batch.events)
        list.push_back(event_json(partition, event));
    auto answer = json_answer(list);
    answer.headers.set("x-selvage-next-offset", std::to_string(std::max(batch.next, from)));
    co_return answer;
}

Service::Answer Service::partitions(Call call) {
    std::optional<UtcTime> time;
    if (const auto* text = call.target.get("time"); text != nullptr) {
        auto parsed = from_iso8601(*text);
        if (!parsed) co_return fail(Errc::invalid_argument, "time: give ISO 8601, such as 2026-01-02T03:04:05Z");
        time = *parsed;
    }
    JsonArray list;
    for (std::size_t i = 0; i < parts_.events.partitions(); ++i) {
        const auto state = parts_.events.state(i);
        JsonObject json{{"partition", i}, {"first", state.first}, {"end", state.end}};
        if (time) {
            SELVAGE_CO_TRY(const auto offset, co_await parts_.events.find(i, *time));
            json["offset"] = offset;
        }
        list.push_back(std::move(json));
    }
    co_return json_answer(list);
}

}  // namespace selvage::cloud::service_http
