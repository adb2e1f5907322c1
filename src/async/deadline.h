// Everything has a deadline: runs an operation and gives it up after a time.
#pragma once

#include <optional>

#include "async/awaitable.h"
#include "async/time_source.h"
#include "base/result.h"

namespace selvage::async {

// Runs `task` until it ends or `time` is over; then cancels it and waits for it to end. True when it ended by itself.
Awaitable<bool> run_for(TimeSource& clock, Duration time, Awaitable<> task);

// The result of `operation`, or Errc::timeout. After a timeout the operation has been cancelled and has ended: a stream
// it read from or wrote to is dead.
template <class T>
Awaitable<Result<T>> with_deadline(TimeSource& clock, Duration time, Awaitable<Result<T>> operation) {
    std::optional<Result<T>> result;
    const auto keep = [](Awaitable<Result<T>> op, std::optional<Result<T>>& out) -> Awaitable<> {
        out = co_await std::move(op);
    };
    const bool in_time = co_await run_for(clock, time, keep(std::move(operation), result));
    if (!in_time && (!result || !*result)) co_return fail(Errc::timeout, "the operation took too long");
    if (!result) co_return fail(Errc::cancelled, "the operation was cancelled");
    co_return *std::move(result);
}

}  // namespace selvage::async
