#include "async/blocking_pool.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace selvage::async {

struct BlockingPool::Impl {
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::move_only_function<void()>> queue;
    std::size_t queued_max = 0;
    bool stopping = false;
    std::vector<std::thread> threads;
    std::shared_ptr<Worker> worker;

    void loop() {
        for (;;) {
            std::move_only_function<void()> work;
            {
                std::unique_lock lock(mutex);
                wake.wait(lock, [&] { return stopping || !queue.empty(); });
                if (queue.empty()) return;
                work = std::move(queue.front());
                queue.pop_front();
            }
            work();
        }
    }
};

BlockingPool::BlockingPool(const char* name, std::size_t threads, std::size_t queued_max, std::shared_ptr<Worker> worker)
    : impl_(std::make_unique<Impl>()) {
    impl_->queued_max = queued_max;
    impl_->worker = std::move(worker);
    if (impl_->worker) return;
    for (std::size_t i = 0; i < threads; ++i) {
        impl_->threads.emplace_back([this] { impl_->loop(); });
        pthread_setname_np(impl_->threads.back().native_handle(), name);
    }
}

BlockingPool::~BlockingPool() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->wake.notify_all();
    for (auto& thread : impl_->threads) thread.join();
}

bool BlockingPool::post(std::move_only_function<void()> work) {
    if (impl_->worker) {
        impl_->worker->run(std::move(work));
        return true;
    }
    {
        const std::lock_guard lock(impl_->mutex);
        if (impl_->stopping || impl_->queue.size() >= impl_->queued_max) return false;
        impl_->queue.push_back(std::move(work));
    }
    impl_->wake.notify_one();
    return true;
}

Awaitable<bool> BlockingPool::run_erased(std::move_only_function<void()> work) {
    const auto executor = co_await boost::asio::this_coro::executor;
    co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>&, void(bool)>(
        [&](auto handler) {
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            // The guard keeps the loop alive while a pool thread has its work.
            auto guard = boost::asio::make_work_guard(executor);
            const bool accepted = post([work = std::move(work), shared, guard]() mutable {
                work();
                boost::asio::post(guard.get_executor(), [shared] { std::move (*shared)(true); });
            });
            if (!accepted) boost::asio::post(executor, [shared] { std::move (*shared)(false); });
        },
        boost::asio::use_awaitable_t<Executor>{});
}

}  // namespace selvage::async
