// Feedback about cloud-to-device messages, in batches for back ends.
//
// A batch is given when 64 records wait or 15 seconds have passed since the last one. It belongs to one reader until that
// completes it (the records are gone), abandons it, or its lock lapses (they wait again).
//
// Runs on: the hub's loop. Records are in the store, locks here: after a crash all wait again. Bounded: by the store's cap;
// kBatchesMax batches may be out at once. Wire: docs/wire/c2d.md#feedback.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "async/time_source.h"
#include "base/random.h"
#include "storage/mailbox_store.h"

namespace selvage::cloud::c2d {

using async::Awaitable;

inline constexpr std::size_t kBatchesMax = 1000;

struct FeedbackSettings {
    std::size_t batch_records = 64;
    std::chrono::seconds batch_after{15};
    std::chrono::seconds lock_time{60};
    std::chrono::seconds time_to_live{3600};
    std::uint32_t deliveries_max = 10;
};

struct FeedbackBatch {
    std::string lock_token;  // a GUID
    UtcTime enqueued{};
    std::string body;  // JSON array of records
};

class FeedbackQueue {
public:
    FeedbackQueue(async::TimeSource& time, Random& random, storage::MailboxStore& store, FeedbackSettings settings)
        : time_(time), random_(random), store_(store), settings_(settings) {}

    // The next batch; nothing when there is none yet. Errors: throttled (kBatchesMax), unavailable.
    Awaitable<Result<std::optional<FeedbackBatch>>> receive();
    // Errors: precondition_failed (no such lock, or it lapsed).
    Awaitable<Result<>> complete(std::string lock_token);
    Awaitable<Result<>> abandon(std::string lock_token);

private:
    struct Batch {
        std::vector<std::int64_t> ids;
        TimePoint until;
    };
    void lapse_locks();
    Result<std::vector<std::int64_t>> take(const std::string& lock_token);

    async::TimeSource& time_;
    Random& random_;
    storage::MailboxStore& store_;
    FeedbackSettings settings_;
    std::map<std::string, Batch> batches_;
    std::set<std::int64_t> held_;
    std::optional<TimePoint> last_batch_;
    bool reading_ = false;
};

// "Success", "Expired", … and what it means.
std::string_view name(storage::MailEnd end);
std::string feedback_text(const std::vector<storage::FeedbackRecord>& records);

}  // namespace selvage::cloud::c2d
