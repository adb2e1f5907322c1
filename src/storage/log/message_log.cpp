// The loop's side of the log: what callers see, and the way to the writer's and the reader's thread and back.
#include "storage/log/message_log.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "async/blocking_pool.h"
#include "async/event.h"
#include "storage/log/catalog.h"
#include "storage/log/open_log.h"
#include "storage/log/reader.h"
#include "storage/log/recovery.h"
#include "storage/log/writer.h"

namespace selvage::storage {
namespace {

using async::Awaitable;

// Coroutines that wait for a queue to grow. The writer looks at `waiting`, so that nothing is posted when nobody waits.
struct Waiters {
    std::atomic<int> waiting{0};
    std::atomic<bool> posted{false};
    std::map<QueueId, std::shared_ptr<async::Event>> events;   // the loop's
    bool stopped = false;

    void wake_all() {
        for (auto& [queue, event] : events) event->set();
    }
};

class Counted {
public:
    explicit Counted(std::atomic<int>& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

private:
    std::atomic<int>& count_;
};

class SegmentLog final : public MessageLog {
public:
    SegmentLog(async::Executor loop, const Clock& clock, LogSettings settings, std::shared_ptr<segment::Disk> disk)
        : loop_(std::move(loop)), clock_(clock), settings_(std::move(settings)), disk_(std::move(disk)),
          reader_(*disk_, catalog_), idle_(loop_),
          pool_("log read", 1, 10'000, settings_.worker) {
        idle_.set();
    }

    Result<> start();

    QueueId queue(std::string_view name, Retention retention) override;
    std::vector<std::string> queue_names() const override;
    QueueState state(QueueId queue) const override { return catalog_.state(queue); }
    LogState state() const override;
    void drop(QueueId queue) override;
    void append(std::span<const Target> targets, std::string_view payload, Done done, OrderKey order) override;
    Awaitable<Result<LogBatch>> read(QueueId queue, Offset from, std::size_t records_max, std::size_t bytes_max) override;
    Awaitable<> wait_for_append(QueueId queue, Offset offset) override;
    void settle(QueueId queue, Offset cursor) override;
    Awaitable<Result<>> flush() override { return pass(BatchEntry::Task::flush); }
    Awaitable<Result<Offset>> find(QueueId queue, UtcTime time) override;
    Awaitable<> stop() override;

private:
    // The writer is woken behind what the loop has at hand, so that its batch has the appends of a whole turn.
    template <class F>
    void change(F&& apply) {
        if (!writer_->change(std::forward<F>(apply))) return;
        boost::asio::post(loop_, [this, alive = std::weak_ptr<bool>(alive_)] {
            if (!alive.expired()) writer_->wake_up();
        });
    }
    Awaitable<Result<>> pass(BatchEntry::Task task);
    Errc refusal(std::span<const Target> targets, std::string_view payload) const;
    Millis now() const { return clock_.utc_now().time_since_epoch().count(); }
    Writer::Reports reports();

    // Counts a read that is under way; stop() waits for it.
    class Reading {
    public:
        explicit Reading(SegmentLog& log) : log_(log) {
            ++log_.readings_;
            log_.idle_.reset();
        }
        ~Reading() {
            if (--log_.readings_ == 0) log_.idle_.set();
        }
        Reading(const Reading&) = delete;
        Reading& operator=(const Reading&) = delete;

    private:
        SegmentLog& log_;
    };

    async::Executor loop_;
    const Clock& clock_;
    LogSettings settings_;
    std::shared_ptr<segment::Disk> disk_;
    Catalog catalog_;
    QueueId next_id_ = 1;
    std::shared_ptr<Waiters> waiters_ = std::make_shared<Waiters>();
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    Reader reader_;                       // the reader thread's
    std::uint64_t refusals_known_ = 0;    // Completed::refusals of what has been answered
    std::size_t readings_ = 0;
    async::Event idle_;
    bool stopping_ = false;
    std::unique_ptr<Writer> writer_;
    async::BlockingPool pool_;
};

Result<> SegmentLog::start() {
    SELVAGE_TRY(auto recovered, recover(*disk_, settings_.folder, settings_.segment_bytes));
    next_id_ = recovered.next_id;
    catalog_.segments = recovered.segments;
    for (const auto& [id, row] : recovered.queues) {
        const Retention retention{std::chrono::milliseconds(row.retention_ms), row.retention_bytes};
        catalog_.queues[id] = {row.name, retention, row.next, row.cursor, row.last_enqueued};
    }
    writer_ = std::make_unique<Writer>(*disk_, catalog_, settings_, std::move(recovered), reports());
    SELVAGE_CHECK(writer_->prepare(now()));
    writer_->start();
    return {};
}

// What the writer's thread posts may run when the log is gone; its callers' objects may be gone too.
Writer::Reports SegmentLog::reports() {
    return {.written =
                [loop = loop_, waiters = waiters_] {
                    if (waiters->waiting.load() == 0 || waiters->posted.exchange(true)) return;
                    boost::asio::post(loop, [waiters] {
                        waiters->posted = false;
                        waiters->wake_all();
                    });
                },
            .completed =
                [this, loop = loop_, alive = std::weak_ptr<bool>(alive_)](Completed completed) {
                    boost::asio::post(loop, [this, alive, answers = std::move(completed)]() mutable {
                        const Result<> done;
                        for (std::size_t i = 0; i < answers.dones.size(); ++i) {
                            if (alive.expired()) return;
                            if (!answers.dones[i]) continue;
                            const std::int32_t outcome = answers.outcomes[i];
                            if (outcome == Completed::kDone) {
                                answers.dones[i](done);
                            } else {
                                answers.dones[i](fail(answers.errors[static_cast<std::size_t>(outcome)]));
                            }
                        }
                        if (!alive.expired()) refusals_known_ = answers.refusals;
                    });
                }};
}

QueueId SegmentLog::queue(std::string_view name, Retention retention) {
    SELVAGE_ASSERT(name.size() <= segment::kNameBytesMax);
    segment::QueueRow row{.name = std::string(name),
                          .retention_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(0, retention.age.count())),
                          .retention_bytes = retention.bytes};
    {
        const std::lock_guard lock(catalog_.mutex);
        for (auto& [id, entry] : catalog_.queues) {
            if (entry.name != name) continue;
            row.id = id;
            if (entry.retention.age == retention.age && entry.retention.bytes == retention.bytes) return id;
            entry.retention = retention;
        }
        if (row.id == 0) {
            row.id = next_id_++;
            catalog_.queues[row.id] = {row.name, retention, 0, 0, 0};
        }
    }
    change([&](Batch& batch) {
        batch.now = now();
        batch.declared.push_back(row);
    });
    return row.id;
}

std::vector<std::string> SegmentLog::queue_names() const {
    const std::lock_guard lock(catalog_.mutex);
    std::vector<std::string> names;
    for (const auto& [id, entry] : catalog_.queues) names.push_back(entry.name);
    return names;
}

LogState SegmentLog::state() const {
    const std::lock_guard lock(catalog_.mutex);
    LogState state{.disk_bytes = 0, .segments = catalog_.segments.size(), .pending_bytes = writer_->pending_bytes()};
    for (const auto& segment : catalog_.segments) state.disk_bytes += segment->file_bytes;
    return state;
}

void SegmentLog::drop(QueueId queue) {
    {
        const std::lock_guard lock(catalog_.mutex);
        if (catalog_.queues.erase(queue) == 0) return;
    }
    change([&](Batch& batch) {
        batch.now = now();
        batch.dropped.push_back(queue);
    });
    if (const auto event = waiters_->events.find(queue); event != waiters_->events.end()) {
        event->second->set();
        waiters_->events.erase(event);
    }
}

// Errc::internal: none.
Errc SegmentLog::refusal(std::span<const Target> targets, std::string_view payload) const {
    if (stopping_) return Errc::unavailable;
    if (targets.empty() || targets.size() > segment::kTargetsMax) return Errc::invalid_argument;
    if (payload.size() > segment::kPayloadBytesMax) return Errc::message_too_large;
    if (writer_->pending_bytes() + payload.size() > settings_.pending_bytes_max) return Errc::throttled;
    return Errc::internal;
}

void SegmentLog::append(std::span<const Target> targets, std::string_view payload, Done done, OrderKey order) {
    const Errc refused = refusal(targets, payload);
    BatchEntry entry;
    entry.enqueued = now();
    entry.order = order;
    entry.refusals_known = refusals_known_;
    if (refused != Errc::internal) {
        entry.task = BatchEntry::Task::refused;
        entry.refusal = refused;
        targets = {};
        payload = {};
    }
    entry.targets = static_cast<std::uint32_t>(targets.size());
    entry.payload_bytes = static_cast<std::uint32_t>(payload.size());
    change([&](Batch& batch) {
        batch.now = entry.enqueued;
        entry.targets_at = batch.targets.size();
        entry.payload_at = batch.payloads.size();
        batch.entries.push_back(entry);
        batch.targets.insert(batch.targets.end(), targets.begin(), targets.end());
        batch.payloads += payload;
        batch.dones.push_back(std::move(done));
        batch.bytes += sizeof(BatchEntry) + sizeof(Done) + targets.size_bytes() + payload.size();
    });
}

void SegmentLog::settle(QueueId queue, Offset cursor) {
    if (stopping_) return;
    {
        const std::lock_guard lock(catalog_.mutex);
        const auto found = catalog_.queues.find(queue);
        if (found == catalog_.queues.end()) return;
        QueueEntry& entry = found->second;
        cursor = std::min(cursor, entry.end);
        if (cursor <= entry.cursor || !entry.retention.by_cursor()) return;
        entry.cursor = cursor;
    }
    change([&](Batch& batch) {
        batch.now = now();
        batch.cursors[queue] = cursor;
    });
}

Awaitable<Result<LogBatch>> SegmentLog::read(QueueId queue, Offset from, std::size_t records_max, std::size_t bytes_max) {
    const Reading reading(*this);
    LogBatch batch;
    batch.next = from;
    for (;;) {
        if (stopping_) co_return fail(Errc::unavailable, "the message log is closed");
        // The end, seen from here: the usual answer to a reader that keeps up, without a trip to the other thread.
        if (catalog_.has(queue) && batch.next >= catalog_.end(queue)) co_return batch;
        const Reader::Request request{queue, batch.next, records_max, bytes_max, now()};
        auto step = co_await pool_.run([this, request] { return reader_.read(request); });
        if (!step) co_return fail(std::move(step).error());
        step->batch.expired += batch.expired;
        batch = std::move(step->batch);
        if (!step->again) co_return batch;
    }
}

Awaitable<Result<Offset>> SegmentLog::find(QueueId queue, UtcTime time) {
    const Reading reading(*this);
    if (!catalog_.has(queue)) co_return fail(Errc::not_found, fmt::format("queue {} does not exist", queue));
    const Offset end = catalog_.end(queue);
    std::uint64_t after = 0;
    for (;;) {
        if (stopping_) co_return fail(Errc::unavailable, "the message log is closed");
        const Millis wanted = time.time_since_epoch().count();
        auto step = co_await pool_.run([this, queue, wanted, after] { return reader_.find(queue, wanted, after); });
        if (!step) co_return fail(std::move(step).error());
        if (step->offset) co_return std::min(*step->offset, end);
        if (step->after == 0) co_return end;
        after = step->after;
    }
}

Awaitable<> SegmentLog::wait_for_append(QueueId queue, Offset offset) {
    const auto waiters = waiters_;
    auto& slot = waiters->events[queue];
    if (!slot) slot = std::make_shared<async::Event>(loop_);
    const auto event = slot;
    // Counted before the look at the end: the writer moves the end before it looks at the count.
    const Counted counted(waiters->waiting);
    while (!waiters->stopped && catalog_.has(queue) && catalog_.end(queue) <= offset) {
        event->reset();
        co_await event->wait();
        const auto cancelled = co_await boost::asio::this_coro::cancellation_state;
        if (cancelled.cancelled() != boost::asio::cancellation_type::none) break;
    }
}

// Sends a task through the writer, behind all that was appended and settled so far.
Awaitable<Result<>> SegmentLog::pass(BatchEntry::Task task) {
    struct Answer {
        explicit Answer(const async::Executor& loop) : given(loop) {}
        async::Event given;
        std::optional<Result<>> result;
    };
    const auto answer = std::make_shared<Answer>(loop_);
    change([&](Batch& batch) {
        batch.now = now();
        BatchEntry entry;
        entry.task = task;
        batch.entries.push_back(entry);
        batch.dones.emplace_back([answer](const Result<>& result) {
            answer->result = result;
            answer->given.set();
        });
    });
    co_await answer->given.wait();
    if (!answer->result) co_return fail(Errc::cancelled, "the wait for the log was cancelled");
    co_return *answer->result;
}

Awaitable<> SegmentLog::stop() {
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    if (!stopping_) {
        stopping_ = true;
        waiters_->stopped = true;
        waiters_->wake_all();
        const auto result = co_await pass(BatchEntry::Task::stop);
        ignore(result, "each append has had its own answer");
    }
    while (readings_ > 0) co_await idle_.wait();
}

}  // namespace

Result<std::unique_ptr<MessageLog>> MessageLog::open(async::Executor loop, const Clock& clock, LogSettings settings) {
    return open_log(std::move(loop), clock, std::move(settings), std::make_shared<segment::Disk>());
}

Result<std::unique_ptr<MessageLog>> open_log(async::Executor loop, const Clock& clock, LogSettings settings,
                                             std::shared_ptr<segment::Disk> disk) {
    auto log = std::make_unique<SegmentLog>(std::move(loop), clock, std::move(settings), std::move(disk));
    SELVAGE_CHECK(log->start());
    return std::unique_ptr<MessageLog>(std::move(log));
}

}  // namespace selvage::storage
