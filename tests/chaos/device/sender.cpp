#include "device/sender.h"

#include <fmt/format.h>

#include "base/json.h"

namespace selvage::chaos {
namespace {

using namespace std::chrono_literals;
using device_client::LinkState;

constexpr std::uint16_t kMqttPort = 8883;
constexpr auto kRetry = 300ms;
constexpr std::size_t kPaddingMax = 700;
constexpr std::size_t kBigPaddingMax = 60'000;     // of identities named "…-big": they fill segments

device_client::ClientSettings client_settings(const codec::ConnectionString& identity, const SenderSettings& settings) {
    device_client::ClientSettings client;
    client.identity = {identity.device_id, identity.module_id};
    client.hub_host = identity.host_name;
    client.target.tls = settings.tls;
    client.target.port = kMqttPort;
    client.target.host = identity.gateway_host_name.empty() ? identity.host_name : identity.gateway_host_name;
    client.window = settings.window;
    client.keep_alive = settings.keep_alive;
    client.reconnect_max = settings.reconnect_max;
    client.token_lifetime = settings.token_lifetime;
    client.product_info = "selvage-chaos-device";
    return client;
}

}  // namespace

Sender::Sender(async::Executor loop, async::TimeSource& time, Random& random, net::Dialer& dialer, Journal& journal,
               const codec::ConnectionString& identity, SenderSettings settings)
    : time_(time), random_(random), journal_(journal), settings_(std::move(settings)),
      id_(domain::to_text({identity.device_id, identity.module_id})), is_module_(!identity.module_id.empty()),
      tokens_(device_client::token_source_from_key(identity.key)), progress_(journal.progress(id_)),
      next_(progress_.acknowledged + 1), twin_wanted_(loop), report_wanted_(loop), tasks_(loop) {
    device_client::Handlers handlers;
    handlers.on_state = [this](LinkState state, const Error*) {
        journal_.write('L', id_, state == LinkState::connected ? 1 : 0);
        if (state == LinkState::connected) twin_wanted_.set();
    };
    handlers.on_desired = [this](std::int64_t version, const std::string& patch) {
        const auto parsed = parse_json_object(patch);
        if (parsed) take_desired(version, find_integer(*parsed, "n", desired_));
    };
    if (!is_module_) {
        handlers.on_message = [this](const domain::Message& message, std::move_only_function<void()> acknowledge) {
            journal_.write('C', id_, message.body);
            acknowledge();
        };
    }
    client_ = std::make_unique<device_client::DeviceClient>(loop, time, random, dialer, *tokens_,
                                                            client_settings(identity, settings_), std::move(handlers));
}

void Sender::start() {
    client_->start();
    tasks_.spawn("telemetry", send_telemetry());
    tasks_.spawn("twin", read_twin());
    tasks_.spawn("report", report());
}

Awaitable<> Sender::stop() {
    co_await tasks_.stop();
    co_await client_->stop();
}

// The reader computes the same text from id and number: a body that differs was invented.
domain::Message Sender::message(std::uint64_t number) const {
    domain::Message message;
    const std::size_t padding_max = id_.ends_with("-big") ? kBigPaddingMax : kPaddingMax;
    message.body = fmt::format(R"({{"id":"{}","n":{},"padding":"{}"}})", id_, number,
                               std::string(number * 2'654'435'761u % padding_max, 'x'));
    if (is_module_) message.set(domain::SystemProperty::output_name, "out");
    return message;
}

Awaitable<> Sender::send_telemetry() {
    while (!tasks_.stopping()) {
        const bool room = co_await client_->room();
        if (!room) co_return;
        while (progress_.beyond.contains(next_)) ++next_;
        const auto number = next_;
        journal_.write('S', id_, number);
        ++next_;
        if (!client_->send(message(number), [this, number](const Result<>& result) { settle(number, result); }))
            next_ = number;
        const auto pause = std::chrono::duration_cast<Duration>(settings_.interval * (0.5 + random_.fraction()));
        const auto slept = co_await time_.sleep_for(pause);
        if (!slept) co_return;
    }
}

void Sender::settle(std::uint64_t number, const Result<>& result) {
    if (!result) {
        // Everything behind it is lost too, or is skipped when its turn comes.
        next_ = progress_.acknowledged + 1;
        return;
    }
    journal_.write('A', id_, number);
    progress_.acknowledge(number);
}

Awaitable<> Sender::read_twin() {
    while (!tasks_.stopping()) {
        co_await twin_wanted_.wait();
        twin_wanted_.reset();
        const auto text = co_await client_->get_twin();
        const auto twin = text ? parse_json_object(*text) : fail(text.error());
        if (const auto* desired = twin ? find_object(*twin, "desired") : nullptr) {
            take_desired(find_integer(*desired, "$version"), find_integer(*desired, "n"));
            continue;
        }
        // After a loss the next connection asks; a refusal is asked again.
        const auto slept = co_await time_.sleep_for(kRetry);
        if (!slept) co_return;
        if (client_->state() == LinkState::connected) twin_wanted_.set();
    }
}

void Sender::take_desired(std::int64_t version, std::int64_t number) {
    if (version <= desired_version_) return;
    desired_version_ = version;
    desired_ = number;
    journal_.write('D', id_, static_cast<std::uint64_t>(number));
    report_wanted_.set();
}

Awaitable<> Sender::report() {
    while (!tasks_.stopping()) {
        co_await report_wanted_.wait();
        report_wanted_.reset();
        const auto number = desired_;
        const auto taken = co_await client_->patch_reported(fmt::format(R"({{"seen":{}}})", number));
        if (taken) {
            journal_.write('P', id_, static_cast<std::uint64_t>(number));
            continue;
        }
        report_wanted_.set();
        const auto slept = co_await time_.sleep_for(kRetry);
        if (!slept) co_return;
    }
}

}  // namespace selvage::chaos
