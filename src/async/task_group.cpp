#include "async/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <list>

#include "async/event.h"
#include "base/log.h"
#include "base/result.h"

namespace selvage::async {

// Shared with the completion handlers: a task may end after its group's owner has begun to die in stop(). Made with the
// first task: most groups of idle connections never have one.
struct TaskGroup::State {
    explicit State(const Executor& executor) : empty(executor) { empty.set(); }
    std::list<boost::asio::cancellation_signal> running;
    Event empty;
    bool stopping = false;
};

TaskGroup::TaskGroup(Executor executor) : executor_(std::move(executor)) {}

TaskGroup::~TaskGroup() { SELVAGE_ASSERT(!state_ || state_->running.empty()); }

void TaskGroup::spawn(const char* name, Awaitable<> task) {
    if (stopping()) return;
    if (!state_) state_ = std::make_shared<State>(executor_);
    state_->running.emplace_back();
    const auto self = std::prev(state_->running.end());
    state_->empty.reset();
    boost::asio::co_spawn(
        executor_, std::move(task),
        boost::asio::bind_cancellation_slot(
            self->slot(), [state = state_, self, name](std::exception_ptr error) {
                if (error) {
                    try {
                        std::rethrow_exception(error);
                    } catch (const std::exception& e) {
                        // A cancelled Asio operation may surface as an exception; that is not worth a line.
                        if (!state->stopping) log::error("async.task", "task={} ended by exception: {}", name, e.what());
                    } catch (...) {
                        log::error("async.task", "task={} ended by an unknown exception", name);
                    }
                }
                state->running.erase(self);
                if (state->running.empty()) state->empty.set();
            }));
}

void TaskGroup::cancel() {
    if (stopping()) return;
    if (!state_) state_ = std::make_shared<State>(executor_);
    state_->stopping = true;
    if (state_->running.empty()) return;
    // Posted: a task that calls this would otherwise be cancelled inside its own call. Emitting can end tasks, which
    // erases from the list, so each step looks the list up again.
    boost::asio::post(executor_, [state = state_] {
        std::vector<boost::asio::cancellation_signal*> signals;
        for (auto& signal : state->running) signals.push_back(&signal);
        for (auto* signal : signals)
            for (auto& live : state->running)
                if (&live == signal) {
                    live.emit(boost::asio::cancellation_type::all);
                    break;
                }
    });
}

Awaitable<> TaskGroup::stop() {
    // Stopping must finish even when the caller itself has been cancelled.
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    cancel();
    const auto state = state_;
    while (!state->running.empty()) co_await state->empty.wait();
}

bool TaskGroup::stopping() const { return state_ && state_->stopping; }
std::size_t TaskGroup::size() const { return state_ ? state_->running.size() : 0; }

void spawn_root(Executor executor, Awaitable<> task, std::move_only_function<void()> at_end) {
    boost::asio::co_spawn(executor, std::move(task), [at_end = std::move(at_end)](std::exception_ptr error) mutable {
        if (error) {
            try {
                std::rethrow_exception(error);
            } catch (const std::exception& e) {
                log::error("async.root", "ended by exception: {}", e.what());
            }
        }
        at_end();
    });
}

}  // namespace selvage::async
