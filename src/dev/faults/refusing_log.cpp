#include "dev/faults/refusing_log.h"

#include <boost/asio/post.hpp>

#include <deque>
#include <map>

namespace selvage::dev {
namespace {

using storage::MessageLog;
using storage::OrderKey;

class RefusingLog final : public MessageLog {
public:
    RefusingLog(std::unique_ptr<MessageLog> log, async::Executor loop, Refusal refusal)
        : log_(std::move(log)), loop_(std::move(loop)), refusal_(std::move(refusal)) {}

    storage::QueueId queue(std::string_view name, storage::Retention retention) override { return log_->queue(name, retention); }
    std::vector<std::string> queue_names() const override { return log_->queue_names(); }
    storage::QueueState state(storage::QueueId queue) const override { return log_->state(queue); }
    storage::LogState state() const override { return log_->state(); }
    void drop(storage::QueueId queue) override { log_->drop(queue); }
    async::Awaitable<Result<storage::LogBatch>> read(storage::QueueId queue, storage::Offset from, std::size_t records_max,
                                                     std::size_t bytes_max) override {
        return log_->read(queue, from, records_max, bytes_max);
    }
    async::Awaitable<> wait_for_append(storage::QueueId queue, storage::Offset offset) override {
        return log_->wait_for_append(queue, offset);
    }
    void settle(storage::QueueId queue, storage::Offset cursor) override { log_->settle(queue, cursor); }
    async::Awaitable<Result<>> flush() override { return log_->flush(); }
    async::Awaitable<Result<storage::Offset>> find(storage::QueueId queue, UtcTime time) override {
        return log_->find(queue, time);
    }

    void append(std::span<const storage::Target> targets, std::string_view payload, Done done, OrderKey order) override {
        const auto entry = std::make_shared<Entry>(Entry{std::move(done), order, {}, false});
        waiting_.push_back(entry);
        if (*refusal_ || (order != storage::kNoOrder && refused_.contains(order))) {
            entry->refused = true;
            entry->outcome = fail(refusal_->value_or(Error{Errc::throttled, "an earlier message of this sender was refused"}));
            ++refused_[order];
            boost::asio::post(loop_, [this, alive = std::weak_ptr<char>(alive_)] {
                if (!alive.expired()) answer();
            });
            return;
        }
        log_->append(
            targets, payload,
            [this, entry](const Result<>& result) {
                entry->outcome = result;
                answer();
            },
            order);
    }

    async::Awaitable<> stop() override {
        co_await log_->stop();
        answer();
    }

private:
    struct Entry {
        Done done;
        OrderKey order;
        std::optional<Result<>> outcome;
        bool refused;
    };

    // Answers come in the order of the appends.
    void answer() {
        while (!waiting_.empty() && waiting_.front()->outcome) {
            const auto entry = waiting_.front();
            waiting_.pop_front();
            if (entry->refused && --refused_[entry->order] == 0) refused_.erase(entry->order);
            entry->done(*entry->outcome);
        }
    }

    std::unique_ptr<MessageLog> log_;
    async::Executor loop_;
    Refusal refusal_;
    std::deque<std::shared_ptr<Entry>> waiting_;
    std::map<OrderKey, int> refused_;                  // refused and not answered yet
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace

std::unique_ptr<MessageLog> refusing(std::unique_ptr<MessageLog> log, async::Executor loop, Refusal refusal) {
    return std::make_unique<RefusingLog>(std::move(log), std::move(loop), std::move(refusal));
}

}  // namespace selvage::dev
