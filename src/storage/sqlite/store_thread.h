// The one thread of a store: takes everything that is waiting, does it in one transaction, syncs once, answers all.
//
// Called on loops, from any of them. While one batch is being synced the next gathers; there is no timer. Each operation
// stands alone inside the batch: one that fails is undone, the others are not. Reads that wait alone take no write lock.
// Operations are done in the order in which they were given. Bounded: past `queued_max` they fail with throttled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "async/awaitable.h"
#include "async/worker.h"
#include "base/result.h"
#include "storage/sqlite/database.h"

namespace selvage::storage::sqlite {

enum class Access { read, write };

class StoreThread {
public:
    // `name`: at most 15 characters, what the system shows for the thread.
    // With a `worker` there is no thread: it does the work, in the same batches.
    StoreThread(const char* name, std::unique_ptr<Database> database, std::size_t queued_max,
                std::shared_ptr<async::Worker> worker = nullptr);
    // Does what is queued and joins.
    ~StoreThread();
    StoreThread(const StoreThread&) = delete;
    StoreThread& operator=(const StoreThread&) = delete;

    // `work` takes Database& and returns a Result. It may run more than once (after SQLite gave up a transaction), so it
    // must not use up what it captured; each run is undone before the next. An operation cannot be cancelled: the caller
    // continues when it is durable or has failed. Errors besides work's own: throttled, unavailable (stopped).
    template <class F>
    async::Awaitable<std::invoke_result_t<F&, Database&>> run(Access access, F work) {
        const auto operation = std::make_shared<OperationOf<F>>(access, std::move(work));
        co_await submit(operation);
        co_return std::move(*operation->result);
    }

    // Refuses new operations, does those that are queued, closes the file. Idempotent.
    async::Awaitable<> stop();

    // How many write transactions were committed; for tests and metrics. From any thread.
    std::uint64_t commits() const;

private:
    class Operation {
    public:
        explicit Operation(Access access) : writes(access == Access::write) {}
        virtual ~Operation() = default;
        // False when the work failed.
        virtual bool attempt(Database& database) = 0;
        virtual void refuse(const Error& error) = 0;

        const bool writes;
        async::Executor executor;
        std::move_only_function<void()> resume;
    };

    template <class F>
    class OperationOf final : public Operation {
    public:
        OperationOf(Access access, F work) : Operation(access), work_(std::move(work)) {}
        bool attempt(Database& database) override {
            try {
                result.emplace(work_(database));
            } catch (const std::exception& thrown) {
                result.emplace(fail(Errc::internal, std::string("a store's operation threw: ") + thrown.what()));
            }
            return result->has_value();
        }
        void refuse(const Error& error) override { result.emplace(fail(error)); }

        std::optional<std::invoke_result_t<F&, Database&>> result;

    private:
        F work_;
    };

    async::Awaitable<> submit(std::shared_ptr<Operation> operation);

    struct Impl;
    class Waking;
    std::shared_ptr<Impl> impl_;
};

}  // namespace selvage::storage::sqlite
