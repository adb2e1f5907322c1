// What the hub says on its topics, and the requests to it that have an answer.
#include "base/json.h"
#include "base/log.h"
#include "device_client/client_impl.h"

namespace selvage::device_client {
namespace {

using namespace codec;

constexpr std::size_t kReasonCharsMax = 300;

// The hub's status of a twin request. Wire: docs/wire/mqtt.md (twin answers).
Errc from_status(int status) {
    switch (status) {
        case 400: return Errc::invalid_argument;
        case 401: return Errc::unauthorized;
        case 403: return Errc::forbidden;
        case 404: return Errc::not_found;
        case 412: return Errc::precondition_failed;
        case 413: return Errc::message_too_large;
        case 429: return Errc::throttled;
        default: return status >= 500 ? Errc::unavailable : Errc::internal;
    }
}

Error refusal(int status, const std::string& body) {
    std::string text = "twin request answered with status " + std::to_string(status);
    if (const auto document = parse_json_object(body)) {
        const auto reason = find_text(*document, "message");
        if (!reason.empty()) text += ": " + std::string(reason.substr(0, kReasonCharsMax));
    }
    return {from_status(status), std::move(text)};
}

}  // namespace

// Takes a request out of the table however its coroutine ends.
class DeviceClient::Impl::Registered {
public:
    Registered(std::shared_ptr<Impl> owner, std::string id) : owner_(std::move(owner)), id_(std::move(id)) {}
    Registered(const Registered&) = delete;
    Registered& operator=(const Registered&) = delete;
    ~Registered() { owner_->twin_requests.erase(id_); }

private:
    std::shared_ptr<Impl> owner_;
    std::string id_;
};

void DeviceClient::Impl::on_publish(const mqtt::Publish& publish) {
    auto topic = hub_mqtt::parse_hub_topic(publish.topic);
    if (!topic) {
        log::warn("mqtt.client", "message not understood identity={} reason={}", domain::to_text(settings.identity),
                  topic.error().detail);
        connection->acknowledge(publish.packet_id);
        return;
    }
    if (auto* c2d = std::get_if<hub_mqtt::C2dMessage>(&*topic)) return on_message(std::move(c2d->message), publish);
    if (auto* input = std::get_if<hub_mqtt::InputMessage>(&*topic)) return on_message(std::move(input->message), publish);
    connection->acknowledge(publish.packet_id);
    if (const auto* answer = std::get_if<hub_mqtt::TwinAnswer>(&*topic)) {
        on_twin_answer(*answer, publish.payload);
    } else if (const auto* desired = std::get_if<hub_mqtt::DesiredPatch>(&*topic)) {
        if (handlers.on_desired) handlers.on_desired(desired->version, std::string(publish.payload));
    } else if (const auto* call = std::get_if<hub_mqtt::MethodCall>(&*topic)) {
        on_method_call(*call, publish.payload);
    }
}

void DeviceClient::Impl::on_message(domain::Message message, const mqtt::Publish& publish) {
    if (!handlers.on_message) return connection->acknowledge(publish.packet_id);
    message.body = publish.payload;
    const std::weak_ptr<Connection> came_on = connection;
    handlers.on_message(std::move(message), [came_on, id = publish.packet_id] {
        if (const auto same = came_on.lock()) same->acknowledge(id);
    });
}

void DeviceClient::Impl::on_twin_answer(const hub_mqtt::TwinAnswer& answer, std::string_view body) {
    const auto found = twin_requests.find(answer.request_id);
    if (found == twin_requests.end()) {
        log::debug("mqtt.client", "late twin answer identity={} status={}", domain::to_text(settings.identity), answer.status);
        return;
    }
    found->second->answer = answer;
    found->second->body = body;
    found->second->arrived.set();
}

void DeviceClient::Impl::on_method_call(const hub_mqtt::MethodCall& call, std::string_view payload) {
    if (methods_running >= kMethodsMax || !handlers.on_method) {
        const int status = handlers.on_method ? 429 : 501;
        ignore(connection->publish(hub_mqtt::method_answer_topic(call.request_id, status), "null"), "the caller times out");
        return;
    }
    ++methods_running;
    domain::MethodRequest request{.name = call.method, .payload = std::string(payload)};
    tasks.spawn("mqtt client method", answer_method(connection, call.request_id, std::move(request)));
}

Awaitable<> DeviceClient::Impl::answer_method(std::weak_ptr<Connection> asked_on, std::string request_id,
                                              domain::MethodRequest request) {
    const auto method = request.name;
    domain::MethodResponse response;
    try {
        response = co_await handlers.on_method(std::move(request));
    } catch (const std::exception& e) {
        // A handler's bug must not leave the caller waiting.
        if (!tasks.stopping()) log::error("mqtt.client", "method={} ended by exception: {}", method, e.what());
        response = {.status = 500, .payload = {}};
    }
    --methods_running;
    const auto same = asked_on.lock();
    if (!same) co_return;
    const auto sent = same->publish(hub_mqtt::method_answer_topic(request_id, response.status), response.payload);
    if (!sent) log::warn("mqtt.client", "answer to method={} not sent reason={}", method, sent.error().detail);
}

void DeviceClient::Impl::drop_twin_requests() {
    for (const auto& [id, reply] : twin_requests) reply->arrived.set();
}

Awaitable<Result<std::shared_ptr<TwinReply>>> DeviceClient::Impl::ask_twin(std::shared_ptr<Impl> self, bool patch,
                                                                           std::string body) {
    if (!self->connection || self->state != LinkState::connected) co_return fail(Errc::connection_closed, "not connected");
    if (self->twin_requests.size() >= kTwinRequestsMax) co_return fail(Errc::throttled, "too many twin requests are waiting");
    auto id = std::to_string(++self->last_request);
    const auto topic = patch ? hub_mqtt::twin_patch_topic(id) : hub_mqtt::twin_get_topic(id);
    auto published = self->connection->publish(topic, body);
    if (!published) co_return fail(published.error());

    const auto reply = std::make_shared<TwinReply>(self->loop);
    self->twin_requests.emplace(id, reply);
    const Registered registered(self, std::move(id));
    co_await reply->arrived.wait();
    if (!reply->arrived.is_set()) co_return fail(Errc::cancelled, "the request was given up");
    if (!reply->answer) co_return fail(reply->answer.error());
    if (reply->answer->status >= 300) co_return fail(refusal(reply->answer->status, reply->body));
    co_return reply;
}

}  // namespace selvage::device_client
