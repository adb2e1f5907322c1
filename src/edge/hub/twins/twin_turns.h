// How work gets its turn at an identity's twin. Private to this folder.
#pragma once

#include "edge/hub/twins/twin_cache.h"

namespace selvage::edge::hub {

// Where a job leaves its result for whoever waits. It is set even when the job never runs.
template <class T>
struct TwinCache::Answer {
    explicit Answer(async::Executor loop) : done(std::move(loop)) {}
    async::Event done;
    Result<T> value = fail(Errc::cancelled, "the hub is stopping");

    struct Setter {
        explicit Setter(std::shared_ptr<Answer> which) : answer(std::move(which)) {}
        Setter(Setter&&) noexcept = default;
        Setter& operator=(Setter&&) = delete;
        ~Setter() {
            if (answer) answer->done.set();
        }
        std::shared_ptr<Answer> answer;
    };
};

template <class T, class F>
async::Awaitable<Result<T>> TwinCache::in_turn(domain::Identity identity, F work) {
    const auto answer = std::make_shared<Answer<T>>(loop_);
    const auto target = actor(identity);
    Job job = [this, target, setter = typename Answer<T>::Setter(answer),
               work = std::move(work)]() mutable -> async::Awaitable<> {
        const auto loaded = co_await load(target);
        if (loaded)
            setter.answer->value = co_await work(target);
        else
            setter.answer->value = fail(loaded.error());
    };
    if (!enqueue(target, std::move(job)))
        co_return fail(Errc::throttled, "too many requests for the twin of '" + to_text(identity) + "' are waiting");
    co_await answer->done.wait();
    co_return std::move(answer->value);
}

}  // namespace selvage::edge::hub
