// Three loops: one measures on time into the backlog, one sends from it as fast as the hub lets it, one keeps the twin's two
// sides in step. None of them waits for another.
#include "simulated_temperature_sensor/sensor.h"

#include "async/deadline.h"
#include "base/log.h"

namespace selvage::temperature_sensor {
namespace {

constexpr const char* kArea = "sensor";
constexpr const char* kOutput = "temperatureOutput";
constexpr std::int64_t kLogEvery = 10;
constexpr std::chrono::seconds kTwinRetry{5};

}  // namespace

Sensor::Sensor(async::Executor loop, async::TimeSource& time, Random& random, net::Dialer& dialer,
               device_client::TokenSource& tokens, device_client::ClientSettings client, Settings settings)
    : time_(time),
      random_(random),
      settings_(settings),
      machine_(settings.machine),
      sending_{.enabled = true, .interval = settings.message_delay},
      batch_id_(random.guid()),
      sending_changed_(loop),
      something_waits_(loop),
      room_(loop),
      empty_(loop),
      twin_due_(loop),
      twin_read_(loop),
      measuring_(loop),
      tasks_(loop),
      client_(loop, time, random, dialer, tokens, std::move(client), handlers()) {
    room_.set();
    empty_.set();
}

void Sensor::start() {
    client_.start();
    measuring_.spawn("measure", measure_loop());
    tasks_.spawn("send", send_loop());
    tasks_.spawn("twin", twin_loop());
}

Awaitable<> Sensor::stop() {
    co_await measuring_.stop();
    co_await async::run_for(time_, kStopWait, empty_.wait());
    if (!backlog_.empty()) log::warn(kArea, "stopping with messages that the hub has not acknowledged count={}", backlog_.size());
    co_await tasks_.stop();
    co_await client_.stop();
}

device_client::Handlers Sensor::handlers() {
    device_client::Handlers handlers;
    handlers.on_state = [this](device_client::LinkState state, const Error*) {
        if (state != device_client::LinkState::connected) return;
        twin_unread_ = true;
        twin_due_.set();
    };
    handlers.on_desired = [this](std::int64_t, std::string patch) {
        const auto desired = parse_json_object(patch);
        if (desired) take_desired(*desired);
        twin_due_.set();
    };
    handlers.on_method = [this](domain::MethodRequest request) -> Awaitable<domain::MethodResponse> {
        if (request.name != "reset") co_return domain::MethodResponse{501, {}};
        log::info(kArea, "reset by method");
        machine_.reset();
        co_return domain::MethodResponse{200, {}};
    };
    handlers.on_message = [this](domain::Message message, std::move_only_function<void()> acknowledge) {
        take_control(message);
        acknowledge();
    };
    return handlers;
}

void Sensor::take_desired(const JsonObject& desired) {
    const auto before = sending_;
    const auto not_taken = apply_desired(desired, sending_);
    if (!not_taken.empty()) log::warn(kArea, "desired properties not taken: {}", not_taken);
    if (sending_ == before) return;
    log::info(kArea, "sending={} interval_ms={}", sending_.enabled, sending_.interval.count());
    sending_changed_.set();
}

void Sensor::take_control(const domain::Message& message) {
    if (message.get(domain::SystemProperty::input_name) != "control") return;
    const auto reset = asks_for_reset(message.body);
    if (!reset) {
        log::warn(kArea, "control message not understood: {}", reset.error().detail);
    } else if (*reset) {
        log::info(kArea, "reset by control message");
        machine_.reset();
    }
}

Awaitable<> Sensor::measure_loop() {
    co_await async::run_for(time_, kTwinWait, twin_read_.wait());
    if (measuring_.stopping()) co_return;
    while (settings_.message_count < 0 || measured_ < settings_.message_count) {
        if (backlog_.full()) {
            room_.reset();
            log::warn(kArea, "pausing: messages wait for the hub count={}", backlog_.size());
            co_await room_.wait();
            if (backlog_.full()) co_return;     // woken to stop
        }
        const auto last = time_.now();
        measure();
        co_await wait_until_due(last);
        if (measuring_.stopping()) co_return;
    }
    log::info(kArea, "done: all messages are made count={}", measured_);
}

// The interval may change during the wait.
Awaitable<> Sensor::wait_until_due(TimePoint last) {
    // With an interval of zero others must have their turn all the same.
    constexpr Duration kShortest = std::chrono::milliseconds(1);
    while (!measuring_.stopping()) {
        const auto left = last + std::max<Duration>(sending_.interval, kShortest) - time_.now();
        if (left <= Duration::zero()) co_return;
        sending_changed_.reset();
        co_await async::run_for(time_, left, sending_changed_.wait());
    }
}

void Sensor::measure() {
    const auto reading = machine_.step(random_);
    if (!sending_.enabled) return;
    ++measured_;
    domain::Message message;
    message.body = body_of(reading, time_.utc_now());
    message.properties = {{"sequenceNumber", std::to_string(measured_)}, {"batchId", batch_id_}};
    message.set(domain::SystemProperty::output_name, kOutput);
    message.set(domain::SystemProperty::content_type, "application/json");
    message.set(domain::SystemProperty::content_encoding, "utf-8");
    backlog_.push(std::move(message));
    empty_.reset();
    something_waits_.set();
}

Awaitable<> Sensor::send_loop() {
    while (!tasks_.stopping()) {
        if (backlog_.next() == nullptr) {
            something_waits_.reset();
            co_await something_waits_.wait();
            continue;
        }
        const bool room = co_await client_.room();
        if (!room) co_return;
        const auto* message = backlog_.next();
        if (message == nullptr) continue;
        // The ticket is taken first: a message that cannot go at all is reported inside send().
        const auto& content = *message;
        const auto ticket = backlog_.take();
        const bool taken = client_.send(content, [this, ticket](const Result<>& result) { sent(ticket, result); });
        if (!taken) backlog_.lost(ticket);
    }
}

void Sensor::sent(Backlog::Ticket ticket, const Result<>& result) {
    if (!result && result.error().code == Errc::connection_closed) {
        backlog_.lost(ticket);
        something_waits_.set();
        return;
    }
    backlog_.acknowledged(ticket);
    room_.set();
    if (backlog_.empty()) empty_.set();
    if (!result) {
        log::error(kArea, "message refused for good: {}", result.error().detail);
        return;
    }
    if (++acknowledged_ == 1 || acknowledged_ % kLogEvery == 0)
        log::info(kArea, "sent count={} waiting={}", acknowledged_, backlog_.size());
}

Awaitable<> Sensor::twin_loop() {
    while (!tasks_.stopping()) {
        co_await twin_due_.wait();
        if (tasks_.stopping()) co_return;
        twin_due_.reset();
        const bool done = co_await bring_twin_up_to_date();
        if (done || client_.state() != device_client::LinkState::connected) continue;
        const auto slept = co_await time_.sleep_for(kTwinRetry);
        if (!slept) co_return;
        twin_due_.set();
    }
}

Awaitable<bool> Sensor::bring_twin_up_to_date() {
    if (twin_unread_) {
        const auto twin = co_await client_.get_twin();
        if (!twin) {
            log::debug(kArea, "twin not read: {}", twin.error().detail);
            co_return false;
        }
        twin_unread_ = false;
        const auto document = parse_json_object(*twin);
        const auto* desired = document ? find_object(*document, "desired") : nullptr;
        if (desired != nullptr) take_desired(*desired);
        twin_read_.set();
    }
    const auto reported = co_await client_.patch_reported(reported_text(sending_));
    if (!reported) log::debug(kArea, "reported properties not updated: {}", reported.error().detail);
    co_return reported.has_value();
}

}  // namespace selvage::temperature_sensor
