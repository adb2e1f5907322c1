// Threads for work that blocks: log syncs, SQLite, key operations, name resolution.
//
// run() is called on a loop; the work runs on a pool thread; the coroutine continues on its own loop. Queued work is
// bounded: past the bound run() fails with Errc::throttled. The destructor waits for the work under way.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "async/awaitable.h"
#include "async/worker.h"
#include "base/result.h"

namespace selvage::async {

class BlockingPool {
public:
    // With a `worker` there are no threads and no bound: it does the work.
    BlockingPool(const char* name, std::size_t threads, std::size_t queued_max = 10'000,
                 std::shared_ptr<Worker> worker = nullptr);
    ~BlockingPool();
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;

    // `work` returns a Result<T>. It cannot be cancelled once it runs, so whatever it refers to must outlive it: capture
    // values, or objects that own the pool.
    template <class F>
    Awaitable<std::invoke_result_t<F>> run(F work) {
        using R = std::invoke_result_t<F>;
        const auto result = std::make_shared<std::optional<R>>();
        const bool accepted = co_await run_erased([work = std::move(work), result]() mutable { result->emplace(work()); });
        if (!accepted) co_return fail(Errc::throttled, "too much work is waiting for the disk; try again later");
        co_return std::move(**result);
    }

    // Work without an answer. False when the bound is reached.
    bool post(std::move_only_function<void()> work);

private:
    Awaitable<bool> run_erased(std::move_only_function<void()> work);
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace selvage::async
