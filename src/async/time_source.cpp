#include "async/time_source.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "async/event.h"

namespace selvage::async {
namespace {

using AsioTimer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                    boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

// What outlives a timer while Asio or the loop still holds a call to it.
struct Bell {
    explicit Bell(std::move_only_function<void()> ring_) : ring(std::move(ring_)) {}
    std::move_only_function<void()> ring;
    std::uint64_t turn = 0;    // a call from before the last set() or cancel() does nothing
};

auto call(const std::shared_ptr<Bell>& bell) {
    return [weak = std::weak_ptr(bell), turn = bell->turn] {
        const auto alive = weak.lock();
        if (alive && alive->turn == turn) alive->ring();
    };
}

class SystemTimer final : public Timer {
public:
    SystemTimer(Executor loop, std::move_only_function<void()> ring)
        : timer_(std::move(loop)), bell_(std::make_shared<Bell>(std::move(ring))) {}

    void set(TimePoint when) override {
        ++bell_->turn;
        timer_.expires_at(when);
        timer_.async_wait([ring = call(bell_)](const boost::system::error_code& error) {
            if (!error) ring();
        });
    }
    void cancel() override {
        ++bell_->turn;
        timer_.cancel();
    }

private:
    AsioTimer timer_;
    std::shared_ptr<Bell> bell_;
};

}  // namespace

Awaitable<Result<>> TimeSource::sleep_for(Duration time) { return sleep_until(now() + time); }

Awaitable<Result<>> SystemTime::sleep_until(TimePoint when) {
    AsioTimer timer(co_await boost::asio::this_coro::executor, when);
    const auto [error] = co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (error) co_return fail(Errc::cancelled, "sleep cancelled");
    co_return Result<>{};
}

std::unique_ptr<Timer> SystemTime::make_timer(Executor loop, std::move_only_function<void()> ring) {
    return std::make_unique<SystemTimer>(std::move(loop), std::move(ring));
}

class VirtualTime::VirtualTimer final : public Timer {
public:
    VirtualTimer(Sleepers& sleepers, Executor loop, std::move_only_function<void()> ring)
        : sleepers_(sleepers), loop_(std::move(loop)), bell_(std::make_shared<Bell>(std::move(ring))) {}
    ~VirtualTimer() override { cancel(); }

    void set(TimePoint when) override {
        cancel();
        entry_ = sleepers_.emplace(when, [this] {
            entry_.reset();
            boost::asio::post(loop_, call(bell_));
        });
    }
    void cancel() override {
        ++bell_->turn;
        if (entry_) sleepers_.erase(*std::exchange(entry_, std::nullopt));
    }

private:
    Sleepers& sleepers_;
    Executor loop_;
    std::shared_ptr<Bell> bell_;
    std::optional<Sleepers::iterator> entry_;    // while set and not rung
};

VirtualTime::VirtualTime(Executor executor, UtcTime start) : executor_(std::move(executor)), utc_(start) {}
VirtualTime::~VirtualTime() = default;

Awaitable<Result<>> VirtualTime::sleep_until(TimePoint when) {
    if (when <= now_) co_return Result<>{};
    const auto event = std::make_shared<Event>(executor_);
    const auto self = sleepers_.emplace(when, [event] { event->set(); });
    co_await event->wait();
    if (event->is_set()) co_return Result<>{};
    sleepers_.erase(self);
    co_return fail(Errc::cancelled, "sleep cancelled");
}

std::unique_ptr<Timer> VirtualTime::make_timer(Executor loop, std::move_only_function<void()> ring) {
    return std::make_unique<VirtualTimer>(sleepers_, std::move(loop), std::move(ring));
}

void VirtualTime::advance(Duration by) {
    now_ += by;
    utc_remainder_ += by;
    const auto whole = std::chrono::floor<std::chrono::milliseconds>(utc_remainder_);
    utc_ += whole;
    utc_remainder_ -= whole;
    while (!sleepers_.empty() && sleepers_.begin()->first <= now_) {
        auto wake = std::move(sleepers_.begin()->second);
        sleepers_.erase(sleepers_.begin());
        wake();
    }
}

std::optional<TimePoint> VirtualTime::next_wake() const {
    if (sleepers_.empty()) return std::nullopt;
    return sleepers_.begin()->first;
}

}  // namespace selvage::async
