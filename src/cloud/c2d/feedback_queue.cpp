#include "cloud/c2d/feedback_queue.h"

#include "base/json.h"
#include "base/time_text.h"

namespace selvage::cloud::c2d {

using storage::MailEnd;

std::string_view name(MailEnd end) {
    switch (end) {
        case MailEnd::success:
            return "Success";
        case MailEnd::expired:
            return "Expired";
        case MailEnd::delivery_count_exceeded:
            return "DeliveryCountExceeded";
        case MailEnd::rejected:
            return "Rejected";
        case MailEnd::purged:
            return "Purged";
    }
    return "Rejected";
}

namespace {

std::string_view description(MailEnd end) {
    switch (end) {
        case MailEnd::success:
            return "Success";
        case MailEnd::expired:
            return "Message expired";
        case MailEnd::delivery_count_exceeded:
            return "Message exceeded the maximum delivery count";
        case MailEnd::rejected:
            return "Message rejected by the device";
        case MailEnd::purged:
            return "Message purged";
    }
    return "";
}

}  // namespace

std::string feedback_text(const std::vector<storage::FeedbackRecord>& records) {
    JsonArray list;
    for (const auto& record : records) {
        list.push_back(JsonObject{{"originalMessageId", record.message_id},
                                  {"description", description(record.end)},
                                  {"deviceGenerationId", record.address.generation_id},
                                  {"deviceId", record.address.device_id},
                                  {"enqueuedTimeUtc", to_iso8601(record.when)},
                                  {"statusCode", name(record.end)}});
    }
    return to_text(Json(std::move(list)));
}

Awaitable<Result<std::optional<FeedbackBatch>>> FeedbackQueue::receive() {
    lapse_locks();
    if (batches_.size() >= kBatchesMax) co_return fail(Errc::throttled, "too many feedback batches wait to be settled");
    // One reader at a time looks; the others find what it left when they ask again.
    if (reading_) co_return std::nullopt;
    reading_ = true;
    const auto since = time_.utc_now() - settings_.time_to_live;
    const auto records = co_await store_.feedback(held_, since, settings_.batch_records);
    reading_ = false;
    if (!records) co_return fail(records.error());
    const bool waited = !last_batch_ || time_.now() - *last_batch_ >= settings_.batch_after;
    if (records->empty() || (records->size() < settings_.batch_records && !waited)) co_return std::nullopt;

    last_batch_ = time_.now();
    Batch batch{.ids = {}, .until = time_.now() + settings_.lock_time};
    for (const auto& record : *records) {
        batch.ids.push_back(record.id);
        held_.insert(record.id);
    }
    FeedbackBatch given{.lock_token = random_.guid(), .enqueued = time_.utc_now(), .body = feedback_text(*records)};
    batches_.emplace(given.lock_token, std::move(batch));
    co_return given;
}

Awaitable<Result<>> FeedbackQueue::complete(std::string lock_token) {
    SELVAGE_CO_TRY(const auto ids, take(lock_token));
    const auto removed = co_await store_.remove_feedback(ids);
    for (const auto id : ids)
        held_.erase(id);
    co_return removed;
}

Awaitable<Result<>> FeedbackQueue::abandon(std::string lock_token) {
    SELVAGE_CO_TRY(const auto ids, take(lock_token));
    const auto abandoned = co_await store_.abandon_feedback(ids, settings_.deliveries_max);
    for (const auto id : ids)
        held_.erase(id);
    co_return abandoned;
}

void FeedbackQueue::lapse_locks() {
    for (auto batch = batches_.begin(); batch != batches_.end();) {
        if (batch->second.until > time_.now()) {
            ++batch;
            continue;
        }
        for (const auto id : batch->second.ids)
            held_.erase(id);
        batch = batches_.erase(batch);
    }
}

Result<std::vector<std::int64_t>> FeedbackQueue::take(const std::string& lock_token) {
    lapse_locks();
    const auto found = batches_.find(lock_token);
    if (found == batches_.end()) {
        return fail(Errc::precondition_failed, "the lock of this feedback is lost: it will be given again");
    }
    auto ids = std::move(found->second.ids);
    batches_.erase(found);
    return ids;
}

}  // namespace selvage::cloud::c2d
