#include "cli/hubctl/monitor.h"

#include <fmt/core.h>

#include <cstdio>

#include "async/deadline.h"
#include "base/encoding.h"
#include "cli/hubctl/event_text.h"

namespace selvage::cli::hubctl {

namespace {

constexpr int kWaitSeconds = 20;
constexpr std::chrono::seconds kRetry{1};

bool is_outage(Errc code) {
    return code == Errc::unavailable || code == Errc::timeout || code == Errc::connection_closed ||
           code == Errc::throttled;
}

}  // namespace

Monitor::Monitor(async::Executor loop, async::TimeSource& time, ServiceClient& hub, Options options)
    : time_(time), hub_(hub), options_(std::move(options)), enough_(loop), readers_(std::move(loop)) {}

Awaitable<Result<>> Monitor::run() {
    SELVAGE_CO_TRY(const auto begin, co_await starts());
    for (const auto& start : begin)
        readers_.spawn("hubctl: follow partition", follow(hub_.another(), start));
    bool in_time = true;
    if (options_.timeout_seconds) {
        const auto limit =
            std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*options_.timeout_seconds));
        in_time = co_await async::run_for(time_, limit, wait_for_end());
    } else {
        co_await enough_.wait();
    }
    co_await readers_.stop();
    if (failed_) co_return fail(fatal_);
    if (!in_time && options_.count) {
        co_return fail(Errc::timeout,
                       fmt::format("{} events in {} s, {} were asked for; are devices connected and sending?", shown_,
                                   *options_.timeout_seconds, *options_.count));
    }
    co_return Result<>{};
}

Awaitable<> Monitor::wait_for_end() {
    co_await enough_.wait();
}

Awaitable<Result<std::vector<Monitor::Start>>> Monitor::starts() {
    ServiceClient::Request request;
    request.path = "/selvage/events/partitions";
    if (!options_.since.empty()) request.query = "time=" + percent_encode(options_.since);
    SELVAGE_CO_TRY(const auto answer, co_await hub_.ask(std::move(request)));
    if (!answer.is_array()) co_return fail(Errc::malformed, "the hub's answer is not a JSON array");
    std::vector<Start> starts;
    for (const auto& entry : answer.get_array()) {
        if (!entry.is_object()) continue;
        const auto& partition = entry.get_object();
        const char* from = !options_.since.empty() ? "offset" : options_.from_start ? "first" : "end";
        starts.push_back({.partition = find_integer(partition, "partition"), .offset = find_integer(partition, from)});
    }
    co_return starts;
}

Awaitable<> Monitor::follow(std::unique_ptr<ServiceClient> hub, Start start) {
    while (!readers_.stopping() && !enough_.is_set()) {
        const auto next = co_await read_once(*hub, start);
        if (next) {
            start.offset = *next;
            told_of_loss_ = false;
            continue;
        }
        if (next.error().code == Errc::cancelled) co_return;
        if (!is_outage(next.error().code)) {
            failed_ = true;
            fatal_ = next.error();
            enough_.set();
            co_return;
        }
        if (!told_of_loss_) std::fprintf(stderr, "hubctl: %s; trying again\n", next.error().detail.c_str());
        told_of_loss_ = true;
        if (!co_await time_.sleep_for(kRetry)) co_return;
    }
}

Awaitable<Result<std::int64_t>> Monitor::read_once(ServiceClient& hub, Start start) {
    ServiceClient::Request request;
    request.path = "/selvage/events";
    request.query = fmt::format("partition={}&offset={}&max=500&wait={}", start.partition, start.offset, kWaitSeconds);
    SELVAGE_CO_TRY(const auto answer, co_await hub.ask(std::move(request)));
    if (!answer.is_array()) co_return fail(Errc::malformed, "the hub's answer is not a JSON array");
    std::int64_t next = start.offset;
    for (const auto& entry : answer.get_array()) {
        if (!entry.is_object()) continue;
        next = find_integer(entry.get_object(), "offset") + 1;
        show(entry.get_object());
        if (enough_.is_set()) break;
    }
    co_return next;
}

void Monitor::show(const JsonObject& event) {
    if (enough_.is_set() || (!options_.device.empty() && sender_of(event) != options_.device)) return;
    const auto object = event_object(event);
    const std::string text = options_.json_output ? to_text(object) : event_lines(object);
    std::printf("%s\n", text.c_str());
    // Whoever reads the other end of a pipe wants each event when it comes.
    std::fflush(stdout);
    ++shown_;
    if (options_.count && shown_ >= *options_.count) enough_.set();
}

}  // namespace selvage::cli::hubctl
