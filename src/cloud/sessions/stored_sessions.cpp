// A stored session is a JSON array of [filter, qos] pairs under the identity's text in one bucket.
#include "cloud/sessions/stored_sessions.h"

#include "base/json.h"

namespace selvage::cloud::sessions {

namespace {
constexpr const char* kBucket = "mqtt-sessions";
}

async::Awaitable<Result<std::optional<std::vector<hub_api::StoredFilter>>>> StoredSessions::load(
    domain::Identity identity) {
    SELVAGE_CO_TRY(const auto stored, co_await store_.get(kBucket, domain::to_text(identity)));
    if (!stored) co_return std::nullopt;
    SELVAGE_CO_TRY(const auto document, parse_json(*stored));
    std::vector<hub_api::StoredFilter> filters;
    if (!document.is_array()) co_return fail(Errc::corrupt, "stored MQTT session of " + domain::to_text(identity));
    for (const auto& entry : document.get_array()) {
        const auto* pair = entry.if_array();
        const auto* qos = pair != nullptr && pair->size() == 2 ? (*pair)[1].if_int64() : nullptr;
        if (qos == nullptr || *qos < 0 || *qos > 2 || !(*pair)[0].is_string()) {
            co_return fail(Errc::corrupt, "stored MQTT session of " + domain::to_text(identity));
        }
        filters.push_back(
            {.filter = std::string((*pair)[0].get_string()), .qos = static_cast<std::uint8_t>(*qos)});
    }
    co_return filters;
}

async::Awaitable<Result<>> StoredSessions::start() {
    SELVAGE_CO_TRY(const auto stored, co_await store_.list(kBucket));
    known_.emplace();
    for (const auto& [identity, filters] : stored) known_->insert(std::hash<std::string>{}(identity));
    co_return Result<>{};
}

async::Awaitable<Result<>> StoredSessions::save(domain::Identity identity, std::vector<hub_api::StoredFilter> filters) {
    if (known_) known_->insert(std::hash<std::string>{}(domain::to_text(identity)));
    JsonArray document;
    for (const auto& filter : filters)
        document.push_back(JsonArray{Json(filter.filter), Json(std::int64_t{filter.qos})});
    std::string text = to_text(Json(std::move(document)));
    co_return co_await store_.put(kBucket, domain::to_text(identity), std::move(text));
}

async::Awaitable<Result<>> StoredSessions::forget(domain::Identity identity) {
    std::string key = domain::to_text(identity);
    if (known_ && !known_->contains(std::hash<std::string>{}(key))) co_return Result<>{};
    co_return co_await store_.erase(kBucket, std::move(key));
}

}  // namespace selvage::cloud::sessions
