#include "edge/hub/upstream/device_client_link.h"

#include "async/deadline.h"

namespace selvage::edge::hub {
namespace {

using namespace std::chrono_literals;

// How long messages under way may still be acknowledged before the connection is replaced. Past it they are sent again.
constexpr auto kDrainTime = 5s;

}  // namespace

DeviceClientLink::DeviceClientLink(Parts parts, device_client::ClientSettings settings, UpstreamLinks::Wishes wishes)
    : parts_(std::move(parts)),
      settings_(std::move(settings)),
      wishes_(wishes),
      ready_(parts_.loop),
      drained_(parts_.loop),
      tasks_(parts_.loop) {
    ready_.set();
    drained_.set();
}

DeviceClientLink::~DeviceClientLink() = default;

std::shared_ptr<DeviceClientLink::Client> DeviceClientLink::make_client() {
    const auto identity = settings_.identity;
    auto* events = &parts_.events;
    device_client::Handlers handlers;
    handlers.on_state = [events, identity](device_client::LinkState state, const Error* why) {
        events->link_changed(identity, state == device_client::LinkState::connected, why);
    };
    if (wishes_.desired)
        handlers.on_desired = [events, identity](std::int64_t version, std::string patch) {
            events->desired_changed(identity, version, std::move(patch));
        };
    if (wishes_.methods)
        handlers.on_method = [events, identity](domain::MethodRequest request) {
            return events->method_called(identity, std::move(request));
        };
    if (wishes_.c2d)
        handlers.on_message = [events, identity](domain::Message message, std::move_only_function<void()> acknowledge) {
            events->c2d_arrived(identity, std::move(message), std::move(acknowledge));
        };
    return std::make_shared<Client>(parts_.loop, parts_.time, parts_.random, parts_.dialer, parts_.tokens, settings_,
                                    std::move(handlers));
}

void DeviceClientLink::start() {
    client_ = make_client();
    client_->start();
}

async::Awaitable<> DeviceClientLink::stop() {
    // Safe to call again while a first call is under way: each step is.
    stopped_ = true;
    ready_.set();
    co_await tasks_.stop();
    if (client_) co_await client_->stop();
}

void DeviceClientLink::set_wishes(UpstreamLinks::Wishes wishes, bool also_less) {
    if (!also_less) {
        wishes.desired |= wishes_.desired;
        wishes.methods |= wishes_.methods;
        wishes.c2d |= wishes_.c2d;
    }
    if (wishes == wishes_) return;
    wishes_ = wishes;
    restart();
}

void DeviceClientLink::restart() {
    // A replacement under way will see the wishes of the moment.
    if (stopped_ || replacing_ || !client_) return;
    replacing_ = true;
    ready_.reset();
    tasks_.spawn("upstream link change", replace_client());
}

async::Awaitable<> DeviceClientLink::replace_client() {
    if (in_flight_ > 0) static_cast<void>(co_await async::run_for(parts_.time, kDrainTime, drained_.wait()));
    const auto old = client_;
    co_await old->stop();
    client_ = make_client();
    client_->start();
    replacing_ = false;
    ready_.set();
}

bool DeviceClientLink::is_connected() const {
    return client_ && !replacing_ && client_->state() == device_client::LinkState::connected;
}

async::Awaitable<bool> DeviceClientLink::wait_on_client(async::Awaitable<bool> (Client::*wait)()) {
    while (!stopped_) {
        co_await ready_.wait();
        if (stopped_) co_return false;
        const auto client = client_;
        const bool yes = co_await (client.get()->*wait)();
        if (client != client_ || replacing_) continue;
        co_return yes && !stopped_;
    }
    co_return false;
}

async::Awaitable<bool> DeviceClientLink::connected() { co_return co_await wait_on_client(&Client::connected); }
async::Awaitable<bool> DeviceClientLink::room() { co_return co_await wait_on_client(&Client::room); }

bool DeviceClientLink::send(const domain::Message& message, SendDone done) {
    if (replacing_ || stopped_ || !client_) return false;
    auto counted = [this, done = std::move(done)](const Result<>& result) mutable {
        if (--in_flight_ == 0) drained_.set();
        done(result);
    };
    // Counted first: a refusal for good comes inside the call.
    ++in_flight_;
    drained_.reset();
    if (client_->send(message, std::move(counted))) return true;
    if (--in_flight_ == 0) drained_.set();
    return false;
}

async::Awaitable<Result<std::string>> DeviceClientLink::get_twin() {
    const auto client = client_;
    if (!client || stopped_) co_return fail(Errc::connection_closed, "the link is closed");
    co_return co_await client->get_twin();
}

async::Awaitable<Result<std::int64_t>> DeviceClientLink::patch_reported(std::string patch) {
    const auto client = client_;
    if (!client || stopped_) co_return fail(Errc::connection_closed, "the link is closed");
    co_return co_await client->patch_reported(std::move(patch));
}

}  // namespace selvage::edge::hub
