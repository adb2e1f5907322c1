// One loop with virtual time: runs a coroutine to its end, however long that takes by its own clock.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <utility>

#include "async/task_group.h"
#include "async/time_source.h"
#include "async/worker.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time_text.h"

namespace selvage::fuzz {

struct World {
    boost::asio::io_context loop;
    async::VirtualTime time{loop.get_executor(), from_iso8601("2026-03-01T00:00:00Z").value()};
    SeededRandom random{1};

    World() { log::start(log::Level::off); }

    void settle() {
        loop.restart();
        while (loop.poll() > 0) loop.restart();
    }
    // Moves time from one sleeper to the next. Whoever waits for what will never come is a defect: every wait has an end.
    void run(async::Awaitable<> task) {
        bool ended = false;
        async::spawn_root(loop.get_executor(), std::move(task), [&ended] { ended = true; });
        constexpr int kSleepersMax = 100'000;
        for (int round = 0; round < kSleepersMax; ++round) {
            settle();
            if (ended) return;
            const auto wake = time.next_wake();
            SELVAGE_ASSERT(wake);
            time.advance(*wake - time.now());
        }
        SELVAGE_ASSERT(ended);
    }
    // For pools and stores that would otherwise have threads.
    std::shared_ptr<async::Worker> worker() {
        struct OnLoop final : async::Worker {
            explicit OnLoop(boost::asio::io_context& given) : where(given) {}
            void run(std::move_only_function<void()> work) override { boost::asio::post(where, std::move(work)); }
            boost::asio::io_context& where;
        };
        return std::make_shared<OnLoop>(loop);
    }
};

}  // namespace selvage::fuzz
