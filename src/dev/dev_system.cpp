// One coroutine owns the life: it builds from the cloud hub downwards, waits for what happens, and takes down the other way.
// Others only tell it what happened: restarting the hub is its own work, as that must not be cancelled half way.
#include "dev/dev_system.h"

#include <fmt/core.h>

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "async/channel.h"
#include "async/deadline.h"
#include "async/signals.h"
#include "async/task_group.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"
#include "dev/cloud_side.h"
#include "dev/device/edge_device.h"
#include "dev/facts.h"
#include "dev/faults/faults.h"
#include "dev/fleet.h"
#include "dev/folder.h"
#include "dev/scaled_time.h"

namespace selvage::dev {
namespace {

using namespace std::chrono_literals;
using async::Awaitable;

// The sensors' first readings are a matter of a second; this is for machines that have better things to do.
constexpr auto kReadyWait = 60s;

enum class Happening { stop_asked, output_gone, restart_wanted, ready, never_ready };

Result<std::chrono::milliseconds> clock_ahead(const Folder& folder) {
    const auto text = read_file(folder.clock_file());
    if (!text) return std::chrono::milliseconds(0);
    return std::chrono::milliseconds(std::strtoll(text->c_str(), nullptr, 10));
}

class System {
public:
    System(async::Executor loop, const Options& options, const Folder& folder, std::chrono::milliseconds ahead)
        : loop_(loop),
          options_(options),
          folder_(folder),
          began_(real_.now()),
          time_(real_, options.time_scale, ahead),
          dialer_(net::make_dialer(real_)),
          happenings_(loop, 64),
          restarted_(loop),
          faults_(loop, time_, real_, *dialer_, options.faults,
                  [this](FaultKind kind, const std::string& what) { tell_fault(kind, what); }),
          around_{loop, time_, real_, random_, faults_.around_devices(), faults_.around_log()},
          view_(loop, options.json, options.quiet ? TelemetryView::Show() : [this](const std::string& text) { print(text); }),
          cloud_(around_, folder, where(), options.sensors + 50, view_),
          tasks_(loop) {}

    Awaitable<> live(Result<>& outcome) {
        async::Signals signals(loop_, {SIGTERM, SIGINT});
        tasks_.spawn("signals", watch_signals(signals));
        outcome = co_await bring_up();
        if (outcome) outcome = co_await wait_for_end();
        co_await tasks_.stop();
        co_await faults_.stop();
        if (device_) co_await device_->stop();
        co_await cloud_.stop();
        const auto ahead = std::chrono::duration_cast<std::chrono::milliseconds>(time_.utc_now() - real_.utc_now());
        if (outcome && !folder_.is_temporary() && ahead.count() > 0)
            outcome = replace_file(folder_.clock_file(), std::to_string(ahead.count()));
    }

private:
    assembly::ListenAt where() const {
        const auto& ports = options_.ports;
        return {options_.listen, ports.mqtt, ports.amqp, ports.https, [](std::string_view) { return std::string(kPortAdvice); }};
    }
    static constexpr const char* kPortAdvice =
        "stop what uses the port, give --listen another address such as 127.0.0.11, or take free ports with --ports 0";

    Awaitable<Result<>> bring_up() {
        SELVAGE_CO_CHECK(co_await check_edge_ports());
        SELVAGE_CO_CHECK(co_await cloud_.start());
        SELVAGE_CO_TRY(fleet_, co_await make_fleet(cloud_.process(), options_, options_.listen, folder_.is_new(),
                                                   !folder_.is_temporary()));
        SELVAGE_CO_CHECK(folder_.mark_made());
        EdgeDeviceSettings edge;
        edge.folder = folder_.edge();
        edge.hub_host = options_.listen;
        edge.hub_ca_file = folder_.hub().ca_certificate();
        edge.device_id = kEdgeDevice;
        edge.device_key = fleet_.edge_key;
        edge.cloud = cloud_.listening_at();
        edge.edge = where();
        edge.edge.address = options_.edge_listen;
        device_ = std::make_unique<EdgeDevice>(around_, *dialer_, faults_.upstream(), std::move(edge));
        SELVAGE_CO_CHECK(co_await device_->start());
        SELVAGE_CO_CHECK(write_trusted());
        tasks_.spawn("ready", wait_until_ready());
        co_return Result<>();
    }

    // The edge hub would try for ever; whoever starts the system wants to know.
    Awaitable<Result<>> check_edge_ports() {
        const auto& ports = options_.ports;
        for (const std::uint16_t port : {ports.mqtt, ports.amqp, ports.https}) {
            if (port == 0) continue;
            auto listener = net::listen_tcp(loop_, real_, options_.edge_listen, port, nullptr, {}, [](auto) -> Awaitable<> { co_return; });
            if (!listener)
                co_return fail(listener.error().code,
                               fmt::format("{}; stop what uses the port, give --edge-listen another address such as "
                                           "127.0.0.12, or take free ports with --ports 0",
                                           listener.error().detail));
            co_await (*listener)->stop();
        }
        co_return Result<>();
    }

    Result<> write_trusted() {
        SELVAGE_TRY(const auto hub, read_file(folder_.hub().ca_certificate()));
        SELVAGE_TRY(const auto edge, read_file(device_->ca_file()));
        return replace_file(folder_.ca_file(), hub + edge);
    }

    Awaitable<> wait_until_ready() {
        const bool in_time = co_await async::run_for(real_, kReadyWait, wait_for_fleet());
        if (!tasks_.stopping()) happenings_.try_push(in_time ? Happening::ready : Happening::never_ready);
    }

    Awaitable<> wait_for_fleet() {
        co_await device_->listens();
        // Sensors of an earlier run may have been told to send nothing.
        if (device_->is_listening() && folder_.is_new()) co_await view_.heard_from(options_.sensors);
    }

    Awaitable<Result<>> wait_for_end() {
        for (;;) {
            const auto happening = co_await happenings_.pop();
            if (!happening) co_return Result<>();
            switch (*happening) {
                case Happening::stop_asked:
                case Happening::output_gone: co_return Result<>();
                case Happening::restart_wanted:
                    SELVAGE_CO_CHECK(co_await cloud_.restart());
                    restarted_.set();
                    break;
                case Happening::ready: announce(); break;
                case Happening::never_ready:
                    co_return fail(Errc::timeout,
                                   fmt::format("the edge hub {} after {} s; --log-level warning says more",
                                               device_->is_listening() ? "has brought no telemetry" : "does not listen",
                                               kReadyWait.count()));
            }
        }
    }

    void announce() {
        Facts facts;
        facts.folder = folder_.path();
        facts.ca_file = folder_.ca_file();
        facts.hub_folder = folder_.hub().root;
        facts.management_uri = device_->management_uri();
        facts.owner = cloud_.owner();
        facts.hub = cloud_.listening_at();
        facts.edge = device_->listening_at();
        facts.fleet = fleet_;
        facts.time_scale = options_.time_scale;
        facts.ready_after = std::chrono::duration_cast<std::chrono::milliseconds>(real_.now() - began_);
        const std::string text = options_.json ? selvage::to_text(to_json(facts)) : to_text(facts);
        std::printf("%s\n", text.c_str());
        announced_ = true;
        for (const auto& line : std::exchange(held_, {})) std::printf("%s\n", line.c_str());
        flush();
        faults_.start([this] { return restart_hub(); });
    }

    Awaitable<Result<>> restart_hub() {
        restarted_.reset();
        if (!happenings_.try_push(Happening::restart_wanted)) co_return fail(Errc::throttled, "too much happens at once");
        co_await restarted_.wait();
        if (!restarted_.is_set()) co_return fail(Errc::cancelled, "the system ends");
        co_return Result<>();
    }

    Awaitable<> watch_signals(async::Signals& signals) {
        const int number = co_await signals.next();
        if (number != 0) happenings_.try_push(Happening::stop_asked);
    }

    void tell_fault(FaultKind kind, const std::string& what) {
        if (options_.json)
            print(selvage::to_text(JsonObject{{"fault", name(kind)}, {"text", what}}));
        else
            print(fmt::format("fault {}: {}", name(kind), what));
    }

    // The facts come first; what comes before them is a few readings.
    void print(const std::string& text) {
        if (!announced_) {
            if (held_.size() < 1000) held_.push_back(text);
            return;
        }
        std::printf("%s\n", text.c_str());
        flush();
    }

    void flush() {
        // Whoever read this has gone, as at the end of `| head`.
        if (std::fflush(stdout) != 0) happenings_.try_push(Happening::output_gone);
    }

    async::Executor loop_;
    const Options& options_;
    const Folder& folder_;
    async::SystemTime real_;
    TimePoint began_;
    ScaledTime time_;
    SystemRandom random_;
    std::unique_ptr<net::Dialer> dialer_;
    async::Channel<Happening> happenings_;
    async::Event restarted_;
    Faults faults_;
    assembly::Surroundings around_;
    TelemetryView view_;
    CloudSide cloud_;
    Fleet fleet_;
    std::unique_ptr<EdgeDevice> device_;
    bool announced_ = false;
    std::vector<std::string> held_;
    async::TaskGroup tasks_;
};

}  // namespace

Result<> run(const Options& options) {
    // A reader that has gone is an error value, not the end with everything left behind.
    std::signal(SIGPIPE, SIG_IGN);
    SELVAGE_TRY(const auto folder, Folder::open(options.data));
    SELVAGE_TRY(const auto ahead, clock_ahead(folder));
    boost::asio::io_context loop(1);
    Result<> outcome = fail(Errc::internal, "ended by an exception");
    {
        System system(loop.get_executor(), options, folder, ahead);
        async::spawn_root(loop.get_executor(), system.live(outcome), [&loop] { loop.stop(); });
        loop.run();
    }
    return outcome;
}

}  // namespace selvage::dev
