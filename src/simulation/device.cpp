#include "simulation/device.h"

#include <fmt/core.h>

#include <algorithm>

#include "domain/twin.h"
#include "simulation/cloud_process.h"

namespace selvage::simulation {
namespace {

using device_client::LinkState;
using namespace std::chrono_literals;

constexpr auto kTryAgain = 10s;

}  // namespace

std::string body_of(const std::string& sender, std::uint64_t number, const std::string& text, std::size_t bytes) {
    std::string body = fmt::format(R"({{"s":"{}","n":{},"of":"{}","pad":")", sender, number, text);
    if (body.size() + 2 < bytes) body.append(bytes - body.size() - 2, 'x');
    return body + "\"}";
}

Result<BodyFacts> read_body(std::string_view body) {
    SELVAGE_TRY(const auto object, parse_json_object(body));
    const auto number = find_integer(object, "n", -1);
    if (number < 0) return fail(Errc::malformed, "a body without a number");
    return BodyFacts{std::string(find_text(object, "s")), static_cast<std::uint64_t>(number)};
}

Device::Device(Schedule& schedule, Network& network, Trace& trace, Ledger& ledger, Settings settings)
    : schedule_(schedule),
      network_(network),
      trace_(trace),
      ledger_(ledger),
      settings_(std::move(settings)),
      name_(domain::to_text(settings_.identity)),
      time_(schedule.time()),
      random_(settings_.seed),
      tokens_(device_client::token_source_from_key(settings_.key)),
      graves_(schedule.loop()) {
    inputs_.name = "inputs of " + name_;
    mail_.name = "mail of " + name_;
    ledger_.forwarded(mail_name());
    ledger_.refusable(mail_name());
    if (settings_.host != kCloudHost) ledger_.forwarded(name_);
}

Device::~Device() = default;

device_client::ClientSettings Device::client_settings() const {
    device_client::ClientSettings client;
    client.identity = settings_.identity;
    client.hub_host = kCloudHost;
    client.target.host = settings_.host;
    client.target.port = kMqttPort;
    client.keep_alive = settings_.keep_alive;
    return client;
}

// What a run that is over still hears it forgets.
device_client::Handlers Device::handlers(const Run& run) {
    device_client::Handlers handlers;
    handlers.on_state = [this, &run](LinkState state, const Error*) {
        if (lives(run)) on_state(state);
    };
    handlers.on_desired = [this, &run](std::int64_t version, const std::string& patch) {
        if (lives(run)) on_desired(version, patch);
    };
    handlers.on_method = [this](domain::MethodRequest request) { return on_method(std::move(request)); };
    if (settings_.filters)
        handlers.on_message = [this, &run](const domain::Message& message, std::move_only_function<void()> acknowledge) {
            if (lives(run)) on_input(message, std::move(acknowledge));
        };
    if (!settings_.identity.is_module())
        handlers.on_message = [this, &run](const domain::Message& message, std::move_only_function<void()> acknowledge) {
            if (lives(run)) on_mail(message, std::move(acknowledge));
        };
    return handlers;
}

void Device::start() {
    if (run_ || ended_) return;
    run_ = std::make_unique<Run>(schedule_.loop(), network_, name_);
    Run& run = *run_;
    run.client = std::make_unique<device_client::DeviceClient>(schedule_.loop(), time_, random_, run.endpoint, *tokens_,
                                                               client_settings(), handlers(run));
    run.client->start();
    run.tasks.spawn("simulated device sends", send_loop(run));
    run.tasks.spawn("simulated device reports", report_loop(run));
    run.tasks.spawn("simulated device fetches", fetch_loop(run));
}

async::Awaitable<> Device::stop() {
    ended_ = true;
    if (run_) {
        co_await run_->tasks.stop();
        co_await run_->client->stop();
    }
    co_await graves_.stop();
}

void Device::crash(Endpoint::Death death, Duration downtime) {
    if (!run_) return;
    trace_.note(schedule_.now(), "crash", name_, static_cast<std::int64_t>(death));
    trace_.count(Effect::device_restarted);
    auto run = std::move(run_);
    run->endpoint.die(death);
    for (Made& made : outbox_) {
        made.sent = false;
        made.then = nullptr;
    }
    fetch_wanted_ = true;
    desired_version_ = 0;
    desired_.clear();
    held_.clear();
    graves_.spawn("end of a crashed device", bury(std::move(run)));
    schedule_.after(downtime, [this] { start(); });
}

async::Awaitable<> Device::bury(std::unique_ptr<Run> run) {
    co_await run->tasks.stop();
    co_await run->client->stop();
}

// ---- telemetry ---------------------------------------------------------------------------------------------------------

void Device::make(std::size_t bytes) { make("", bytes, nullptr); }

void Device::make(std::string text, std::size_t bytes, std::move_only_function<void()> then) {
    // The number is in the body, and the body's hash is in the ledger: so first the number.
    const auto account = ledger_.senders().find(name_);
    const std::uint64_t number = account == ledger_.senders().end() ? 0 : account->second.messages.size();
    std::string body = body_of(name_, number, text, bytes);
    SELVAGE_ASSERT(ledger_.made(name_, hash_of(body)) == number);
    outbox_.push_back({number, std::move(body), false, std::move(then)});
    if (run_) run_->to_send.set();
}

async::Awaitable<> Device::send_loop(Run& run) {
    while (lives(run)) {
        run.to_send.reset();
        send_waiting(run);
        const bool waiting = std::ranges::any_of(outbox_, [](const Made& made) { return !made.sent; });
        if (!waiting) {
            co_await run.to_send.wait();
        } else if (!co_await run.client->room()) {
            co_return;
        }
    }
}

void Device::send_waiting(Run& run) {
    for (std::size_t i = 0; i < outbox_.size(); ++i) {
        Made& made = outbox_[i];
        if (made.sent) continue;
        domain::Message message;
        message.body = made.body;
        message.set(domain::SystemProperty::message_id, std::to_string(made.number));
        if (!settings_.output.empty()) message.set(domain::SystemProperty::output_name, settings_.output);
        made.sent = true;
        const std::uint64_t number = made.number;
        if (!run.client->send(message, [this, &run, number](const Result<>& result) {
                if (lives(run)) settled(number, result);
            })) {
            made.sent = false;
            return;
        }
        ledger_.attempted(name_, number);
        trace_.note(schedule_.now(), "send", name_, static_cast<std::int64_t>(number));
    }
}

void Device::settled(std::uint64_t number, const Result<>& result) {
    const auto made = std::ranges::find_if(outbox_, [number](const Made& one) { return one.number == number; });
    if (made == outbox_.end()) return ledger_.violated(fmt::format("{}: message {} was answered twice", name_, number));
    if (!result) {
        if (result.error().code != Errc::connection_closed)
            ledger_.violated(fmt::format("{}: message {} was refused: {}", name_, number, result.error().detail));
        made->sent = false;
        run_->to_send.set();
        return;
    }
    trace_.note(schedule_.now(), "acknowledged", name_, static_cast<std::int64_t>(number));
    ledger_.acknowledged(name_, number);
    auto then = std::move(made->then);
    outbox_.erase(made);
    if (then) then();
}

void Device::on_mail(const domain::Message& message, std::move_only_function<void()> acknowledge) {
    const auto facts = read_body(message.body);
    if (!facts) return ledger_.violated(name_ + ": a cloud-to-device message that is none of ours");
    trace_.note(schedule_.now(), "mail", name_, static_cast<std::int64_t>(facts->number));
    ledger_.arrived(mail_, facts->sender, facts->number, hash_of(message.body));
    acknowledge();
}

void Device::on_input(const domain::Message& message, std::move_only_function<void()> acknowledge) {
    const auto facts = read_body(message.body);
    if (!facts) return ledger_.violated(name_ + ": a message at its input is none of ours");
    trace_.note(schedule_.now(), "input", name_, static_cast<std::int64_t>(facts->number));
    ledger_.arrived(inputs_, facts->sender, facts->number, hash_of(message.body));
    make(fmt::format("{} {}", facts->sender, facts->number), 0, std::move(acknowledge));
}

// ---- twin --------------------------------------------------------------------------------------------------------------

void Device::report() {
    ++wanted_;
    if (run_) run_->to_report.set();
}

async::Awaitable<> Device::report_loop(Run& run) {
    while (lives(run)) {
        run.to_report.reset();
        if (reported_ == wanted_) {
            co_await run.to_report.wait();
            continue;
        }
        if (!co_await run.client->connected() || !lives(run)) co_return;
        const auto value = wanted_;
        const auto done = co_await run.client->patch_reported(fmt::format(R"({{"count":{}}})", value));
        if (!lives(run)) co_return;
        if (done) {
            reported_ = value;
            trace_.note(schedule_.now(), "reported", name_, value);
        } else {
            SELVAGE_ASSERT(done.error().code != Errc::malformed);
            static_cast<void>(co_await time_.sleep_for(kTryAgain));
        }
    }
}

void Device::on_state(LinkState state) {
    trace_.note(schedule_.now(), "state", name_, static_cast<std::int64_t>(state));
    if (state != LinkState::connected) return;
    heard_version_ = 0;
    held_.clear();
    fetch_wanted_ = true;
    run_->to_fetch.set();
    run_->to_send.set();
}

async::Awaitable<> Device::fetch_loop(Run& run) {
    while (lives(run)) {
        run.to_fetch.reset();
        if (!fetch_wanted_) {
            co_await run.to_fetch.wait();
            continue;
        }
        if (!co_await run.client->connected() || !lives(run)) co_return;
        const auto text = co_await run.client->get_twin();
        if (!lives(run)) co_return;
        if (!text) {
            static_cast<void>(co_await time_.sleep_for(kTryAgain));
            continue;
        }
        const auto document = parse_json_object(*text);
        const auto* const desired = document ? find_object(*document, "desired") : nullptr;
        if (desired == nullptr) {
            ledger_.violated(name_ + ": a twin without desired properties");
            co_return;
        }
        // A connection may have come and gone since: then on_state wants it again.
        fetch_wanted_ = run.to_fetch.is_set();
        desired_version_ = find_integer(*desired, "$version");
        desired_ = domain::without_read_only(*desired);
        trace_.note(schedule_.now(), "twin", name_, desired_version_, *text);
        for (const auto& [version, patch] : std::exchange(held_, {})) apply_desired(version, patch);
    }
}

void Device::on_desired(std::int64_t version, const std::string& patch) {
    trace_.note(schedule_.now(), "desired", name_, version, patch);
    if (version <= heard_version_)
        ledger_.violated(fmt::format("{}: desired version {} came after {}", name_, version, heard_version_));
    heard_version_ = version;
    if (fetch_wanted_)
        held_.emplace_back(version, patch);
    else
        apply_desired(version, patch);
}

void Device::apply_desired(std::int64_t version, const std::string& patch) {
    if (version <= desired_version_) return;
    const auto change = parse_json_object(patch);
    if (!change) return ledger_.violated(name_ + ": a change of desired properties that is no JSON");
    domain::merge_patch(desired_, domain::without_read_only(*change));
    desired_version_ = version;
}

async::Awaitable<domain::MethodResponse> Device::on_method(domain::MethodRequest request) {
    ++methods_run_;
    static_cast<void>(co_await time_.sleep_for(std::chrono::milliseconds(random_.next() % 2000)));
    co_return domain::MethodResponse{.status = 200, .payload = request.payload};
}

}  // namespace selvage::simulation
