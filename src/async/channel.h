// A bounded queue of values between two coroutines of one loop.
//
// Runs on: one loop. One reader. try_push() refuses when the queue is full: the writer decides what that means (wait with
// room(), refuse its own caller, or drop) and says so in its header.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "async/event.h"

namespace selvage::async {

template <class T>
class Channel {
public:
    Channel(Executor executor, std::size_t items_max) : items_max_(items_max), filled_(executor), drained_(executor) {
        drained_.set();
    }

    bool try_push(T item) {
        if (closed_ || items_.size() >= items_max_) return false;
        items_.push_back(std::move(item));
        if (items_.size() >= items_max_) drained_.reset();
        filled_.set();
        return true;
    }

    // The next item; nothing once the channel is closed and empty, or when the reader is cancelled.
    Awaitable<std::optional<T>> pop() {
        if (items_.empty() && !closed_) co_await filled_.wait();
        co_return try_pop();
    }

    std::optional<T> try_pop() {
        if (items_.empty()) return std::nullopt;
        std::optional<T> item(std::move(items_.front()));
        items_.pop_front();
        if (items_.empty() && !closed_) filled_.reset();
        drained_.set();
        return item;
    }

    // Waits until there is room or the channel is closed.
    Awaitable<> room() { co_await drained_.wait(); }

    void close() {
        closed_ = true;
        filled_.set();
        drained_.set();
    }
    bool closed() const { return closed_; }
    std::size_t size() const { return items_.size(); }

private:
    std::size_t items_max_;
    std::deque<T> items_;
    Event filled_;
    Event drained_;
    bool closed_ = false;
};

}  // namespace selvage::async
