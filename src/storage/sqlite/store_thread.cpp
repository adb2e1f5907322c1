// A batch is one transaction; each write in it is a savepoint. Two things can take the whole transaction away: SQLite rolls
// back by itself (disk full, I/O error), or the commit fails. Then each operation gets a transaction of its own, so that
// only those fail that cannot be done.
#include "storage/sqlite/store_thread.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace selvage::storage::sqlite {

using async::Awaitable;
using async::Executor;

struct StoreThread::Impl {
    using Pointer = std::shared_ptr<Operation>;

    struct Stopping {
        Executor executor;
        std::move_only_function<void()> resume;
    };

    Impl(std::unique_ptr<Database> opened, std::size_t bound, std::shared_ptr<async::Worker> given)
        : database(std::move(opened)), queued_max(bound), worker(std::move(given)) {}

    // Empty: accepted.
    std::optional<Error> enqueue(const Pointer& operation) {
        {
            const std::lock_guard lock(mutex);
            if (stopping) return Error{Errc::unavailable, "the store is shutting down"};
            if (queue.size() >= queued_max)
                return Error{Errc::throttled, "too much work is waiting for the store; try again later"};
            queue.push_back(operation);
        }
        return std::nullopt;
    }

    void wake_up() {
        if (!worker) return wake.notify_one();
        if (std::exchange(asked, true)) return;
        worker->run([this, still = std::weak_ptr<bool>(alive)] {
            if (still.expired()) return;
            asked = false;
            work_without_thread();
        });
    }

    // loop() as turns at a worker's.
    void work_without_thread() {
        std::vector<Pointer> batch;
        batch.swap(queue);
        if (!batch.empty()) serve(batch);
        if (stopping && !ended) end();
    }

    void loop() {
        for (;;) {
            std::vector<Pointer> batch;
            {
                std::unique_lock lock(mutex);
                wake.wait(lock, [&] { return stopping || !queue.empty(); });
                if (queue.empty()) break;
                batch.swap(queue);
            }
            serve(batch);
        }
        end();
    }

    void end() {
        database.reset();
        std::vector<Stopping> waiting;
        {
            const std::lock_guard lock(mutex);
            ended = true;
            waiting.swap(stops);
        }
        for (Stopping& stop : waiting) boost::asio::post(stop.executor, std::move(stop.resume));
    }

    void serve(std::span<Pointer> batch) {
        const auto first_write = std::ranges::find_if(batch, [](const Pointer& operation) { return operation->writes; });
        const auto reads = static_cast<std::size_t>(first_write - batch.begin());
        if (reads > 0) {
            read(batch.first(reads));
            answer(batch.first(reads));
        }
        const auto rest = batch.subspan(reads);
        if (rest.empty()) return;
        if (!commit_together(rest)) {
            for (Pointer& operation : rest) {
                const std::span<Pointer> alone(&operation, 1);
                if (operation->writes)
                    commit_together(alone);
                else
                    read(alone);
            }
        }
        answer(rest);
    }

    // One deferred transaction: all of them see the same state, and nobody is locked out.
    void read(std::span<Pointer> operations) {
        if (const auto begun = database->run("BEGIN"); !begun) return refuse(operations, begun.error());
        for (const Pointer& operation : operations) operation->attempt(*database);
        roll_back();
    }

    // False: nothing of this is stored, and each operation should be tried alone. Never false for one operation.
    bool commit_together(std::span<Pointer> operations) {
        const bool alone = operations.size() == 1;
        if (const auto begun = database->run("BEGIN IMMEDIATE"); !begun) {
            refuse(operations, begun.error());
            return true;
        }
        for (const Pointer& operation : operations) {
            if (alone || !operation->writes) {
                const bool done = operation->attempt(*database);
                if (done || !operation->writes) continue;
                roll_back();
                return true;
            }
            if (!attempt_in_savepoint(*operation)) {
                roll_back();
                return false;
            }
        }
        if (const auto committed = database->run("COMMIT"); !committed) {
            roll_back();
            if (alone) refuse(operations, committed.error());
            return alone;
        }
        commits.fetch_add(1, std::memory_order_relaxed);
        return true;
    }

    // False: the transaction is lost (then there is no savepoint to go back to). A failure of the operation is undone.
    bool attempt_in_savepoint(Operation& operation) {
        if (!database->run("SAVEPOINT operation")) return false;
        const bool done = operation.attempt(*database);
        if (!done && !database->run("ROLLBACK TO operation")) return false;
        return database->run("RELEASE operation").has_value();
    }

    void roll_back() {
        if (database->in_transaction()) ignore(database->run("ROLLBACK"), "what led here is reported");
    }

    static void refuse(std::span<Pointer> operations, const Error& error) {
        for (const Pointer& operation : operations) operation->refuse(error);
    }

    // One post a loop: all of them wake in one turn.
    static void answer(std::span<Pointer> operations) {
        while (!operations.empty()) {
            const Executor executor = operations.front()->executor;
            const auto others = std::ranges::find_if(
                operations, [&](const Pointer& operation) { return operation->executor != executor; });
            const auto count = static_cast<std::size_t>(others - operations.begin());
            std::vector<std::move_only_function<void()>> resumes;
            resumes.reserve(count);
            for (const Pointer& operation : operations.first(count)) resumes.push_back(std::move(operation->resume));
            boost::asio::post(executor, [resumes = std::move(resumes)]() mutable {
                for (auto& resume : resumes) resume();
            });
            operations = operations.subspan(count);
        }
    }

    std::unique_ptr<Database> database;  // touched by the thread only
    std::atomic<std::uint64_t> commits = 0;
    const std::size_t queued_max;

    std::mutex mutex;  // guards what follows
    std::condition_variable wake;
    std::vector<Pointer> queue;
    std::vector<Stopping> stops;
    bool stopping = false;
    bool ended = false;

    std::thread thread;
    std::atomic<bool> waking = false;  // a Waking is under way
    const std::shared_ptr<async::Worker> worker;
    bool asked = false;  // the worker's turn is coming
    const std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

// Wakes the thread behind what the loop has at hand: its batch then has the operations of a whole turn, and the two change
// places once. Also when the loop drops it unrun.
class StoreThread::Waking {
public:
    explicit Waking(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
    Waking(Waking&&) = default;
    Waking(const Waking&) = delete;
    Waking& operator=(const Waking&) = delete;
    Waking& operator=(Waking&&) = delete;
    ~Waking() {
        if (!impl_) return;
        impl_->waking = false;
        impl_->wake.notify_one();
    }
    void operator()() const {}

    static void post(const std::shared_ptr<Impl>& impl, const Executor& executor) {
        if (impl->worker) return impl->wake_up();
        if (!impl->waking.exchange(true)) boost::asio::post(executor, Waking(impl));
    }

private:
    std::shared_ptr<Impl> impl_;
};

StoreThread::StoreThread(const char* name, std::unique_ptr<Database> database, std::size_t queued_max,
                         std::shared_ptr<async::Worker> worker)
    : impl_(std::make_shared<Impl>(std::move(database), queued_max, std::move(worker))) {
    if (impl_->worker) return;
    impl_->thread = std::thread([impl = impl_.get()] { impl->loop(); });
    pthread_setname_np(impl_->thread.native_handle(), name);
}

StoreThread::~StoreThread() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
    }
    if (impl_->worker) {
        impl_->work_without_thread();
        return;
    }
    impl_->wake.notify_one();
    impl_->thread.join();
}

std::uint64_t StoreThread::commits() const { return impl_->commits.load(std::memory_order_relaxed); }

Awaitable<> StoreThread::submit(std::shared_ptr<Operation> operation) {
    const auto executor = co_await boost::asio::this_coro::executor;
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>&, void()>(
        [&](auto handler) {
            operation->executor = executor;
            // The guard keeps the loop alive while the store has its operation.
            operation->resume = [handler = std::move(handler), guard = boost::asio::make_work_guard(executor)]() mutable {
                std::move(handler)();
            };
            const auto refused = impl_->enqueue(operation);
            if (!refused) return Waking::post(impl_, executor);
            operation->refuse(*refused);
            boost::asio::post(executor, std::move(operation->resume));
        },
        boost::asio::use_awaitable_t<Executor>{});
}

Awaitable<> StoreThread::stop() {
    const auto executor = co_await boost::asio::this_coro::executor;
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>&, void()>(
        [&](auto handler) {
            std::move_only_function<void()> resume = [handler = std::move(handler),
                                                      guard = boost::asio::make_work_guard(executor)]() mutable {
                std::move(handler)();
            };
            {
                const std::lock_guard lock(impl_->mutex);
                impl_->stopping = true;
                if (!impl_->ended) impl_->stops.push_back({executor, std::move(resume)});
            }
            if (resume)
                boost::asio::post(executor, std::move(resume));
            else
                impl_->wake_up();
        },
        boost::asio::use_awaitable_t<Executor>{});
}

}  // namespace selvage::storage::sqlite
