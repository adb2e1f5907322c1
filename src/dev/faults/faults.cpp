#include "dev/faults/faults.h"

#include <fmt/core.h>

#include <algorithm>

namespace selvage::dev {
namespace {

Duration delay_of(const std::vector<Fault>& asked) {
    Duration sum{0};
    for (const auto& fault : asked)
        if (fault.kind == FaultKind::delay) sum += fault.lasts;
    return sum;
}

}  // namespace

Faults::Faults(async::Executor loop, async::TimeSource& time, async::TimeSource& client_time, net::Dialer& dialer,
               std::vector<Fault> asked, Say say)
    : loop_(loop),
      time_(time),
      asked_(std::move(asked)),
      say_(std::move(say)),
      devices_(client_time, delay_of(asked_)),
      upstream_(dialer, client_time),
      tasks_(loop) {}

bool Faults::is_asked(FaultKind kind) const {
    return std::ranges::any_of(asked_, [kind](const Fault& fault) { return fault.kind == kind; });
}

std::function<net::Serve(net::Serve)> Faults::around_devices() {
    if (!is_asked(FaultKind::delay) && !is_asked(FaultKind::drop_connection)) return {};
    return [this](net::Serve serve) { return devices_.around(std::move(serve)); };
}

std::function<std::unique_ptr<storage::MessageLog>(std::unique_ptr<storage::MessageLog>)> Faults::around_log() {
    if (!is_asked(FaultKind::disk_full) && !is_asked(FaultKind::throttle)) return {};
    return [this](std::unique_ptr<storage::MessageLog> log) { return refusing(std::move(log), loop_, refusal_); };
}

void Faults::start(RestartHub restart_hub) {
    restart_hub_ = std::move(restart_hub);
    for (const auto& fault : asked_) {
        if (fault.kind == FaultKind::delay)
            say_(fault.kind, fmt::format("what devices send and get arrives {} late", to_text(fault.lasts)));
        else
            tasks_.spawn("fault", repeat(fault));
    }
}

async::Awaitable<> Faults::stop() {
    co_await tasks_.stop();
    upstream_.bring_up();
    refuse({});
}

async::Awaitable<> Faults::repeat(Fault fault) {
    auto next = time_.now() + fault.every;
    while (!tasks_.stopping()) {
        if (!co_await time_.sleep_until(next)) co_return;
        co_await strike(fault);
        next = std::max(next + fault.every, time_.now());
    }
}

async::Awaitable<> Faults::strike(Fault fault) {
    const auto for_a_time = to_text(fault.lasts);
    switch (fault.kind) {
        case FaultKind::delay: co_return;
        case FaultKind::drop_connection:
            say_(fault.kind, fmt::format("cut {} connections of devices", devices_.cut()));
            co_return;
        case FaultKind::hub_restart: {
            say_(fault.kind, "the cloud hub goes down");
            const auto restarted = co_await restart_hub_();
            if (restarted) say_(fault.kind, "the cloud hub is up again");
            co_return;
        }
        case FaultKind::upstream_down:
            say_(fault.kind, fmt::format("the edge hub cannot reach the cloud hub for {}", for_a_time));
            upstream_.take_down();
            ignore(co_await time_.sleep_for(fault.lasts), "cancelled: it is over all the same");
            upstream_.bring_up();
            say_(fault.kind, "the edge hub can reach the cloud hub again");
            co_return;
        case FaultKind::disk_full:
            say_(fault.kind, fmt::format("both hubs refuse telemetry as on a full disk for {}", for_a_time));
            refuse(Error{Errc::quota_exceeded, "the disk is full, as --fault asked for"});
            break;
        case FaultKind::throttle:
            say_(fault.kind, fmt::format("both hubs throttle telemetry for {}", for_a_time));
            refuse(Error{Errc::throttled, "too much work is waiting, as --fault asked for"});
            break;
    }
    const auto mine = (*refusal_)->code;
    ignore(co_await time_.sleep_for(fault.lasts), "cancelled: it is over all the same");
    // Another fault may have begun to refuse meanwhile, and goes on.
    if (*refusal_ && (*refusal_)->code == mine) refuse({});
    say_(fault.kind, "both hubs take telemetry again");
}

}  // namespace selvage::dev
