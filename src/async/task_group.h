// Owns the coroutines of one parent: a connection's loops, a hub's background work.
//
// The only place that starts a coroutine. No new work after stop(); stop() cancels everything and returns when all of it
// has ended. The destructor insists that the group is empty. Runs on: the loop given at construction; spawn() and stop()
// are called there.
#pragma once

#include <functional>
#include <memory>

#include "async/awaitable.h"

namespace selvage::async {

class TaskGroup {
public:
    explicit TaskGroup(Executor executor);
    ~TaskGroup();
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    // Starts `task`: called on the loop, it runs inside this call up to its first suspension, so have everything in place
    // that it touches. `name` is for logs and must be a literal. An exception that leaves the task is logged once with the
    // name. After stop() the task is dropped unrun.
    // A spawned coroutine takes its parameters by value: no references or views to what may die first.
    void spawn(const char* name, Awaitable<> task);

    // Cancels all tasks and waits for them to end. Idempotent. Must not be awaited from a task of this group.
    Awaitable<> stop();

    // Asks all tasks to end and refuses new ones, without waiting. A task of this group may call it.
    void cancel();

    const Executor& executor() const { return executor_; }
    bool stopping() const;
    std::size_t size() const;

private:
    struct State;
    Executor executor_;
    std::shared_ptr<State> state_;
};

// Runs one coroutine as the root of a program or test: `run` on a fresh thread's loop would have no owner otherwise.
// For apps/ and tests only.
void spawn_root(Executor executor, Awaitable<> task, std::move_only_function<void()> at_end);

}  // namespace selvage::async
