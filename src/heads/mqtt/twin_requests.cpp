// Twin requests run one after the other, so that two patches of a client apply in the order in which it sent them. At most
// a few wait (connection.cpp pauses reading then).
#include "async/deadline.h"
#include "base/log.h"
#include "heads/mqtt/connection.h"
#include "heads/mqtt/error_map.h"

namespace selvage::heads::mqtt {

void MqttConnection::queue_twin_request(TwinRequest request) {
    twin_requests_.push_back(std::move(request));
    if (twin_worker_) return;
    twin_worker_ = true;
    tasks_.spawn("mqtt twin requests", run_twin_requests());
}

Awaitable<> MqttConnection::run_twin_requests() {
    while (!ended_ && !twin_requests_.empty()) {
        TwinRequest request = std::move(twin_requests_.front());
        twin_requests_.erase(twin_requests_.begin());
        if (request.patch) {
            auto patching = session_->patch_reported(*std::move(request.patch), request.if_version);
            const auto version = co_await async::with_deadline(time_, kHubTimeout, std::move(patching));
            answer_twin(request, version);
        } else {
            auto getting = session_->get_twin();
            const auto twin = co_await async::with_deadline(time_, kHubTimeout, std::move(getting));
            answer_twin(request, twin);
        }
        wake_reader();
    }
    std::vector<TwinRequest>().swap(twin_requests_);
    twin_worker_ = false;
}

void MqttConnection::answer_twin(const TwinRequest& request, const Result<std::string>& twin) {
    if (!twin) return answer_twin_error(request, twin.error());
    if (!has_filter(FilterKind::twin_answers)) return;
    const std::string topic = codec::hub_mqtt::twin_answer_topic(kTwinGot, request.request_id);
    ignore(send(codec::mqtt::Publish{.topic = topic, .payload = *twin}), "a request id that fills its whole topic gets no answer");
}

void MqttConnection::answer_twin(const TwinRequest& request, const Result<std::int64_t>& version) {
    if (!version) return answer_twin_error(request, version.error());
    if (request.request_id.empty() || !has_filter(FilterKind::twin_answers)) return;
    const std::string topic = codec::hub_mqtt::twin_answer_topic(kTwinPatched, request.request_id, *version);
    ignore(send(codec::mqtt::Publish{.topic = topic, .payload = {}}), "a request id that fills its whole topic gets no answer");
}

void MqttConnection::answer_twin_error(const TwinRequest& request, const Error& error) {
    if (ended_ || error.code == Errc::cancelled) return;
    const ErrorRow& row = row_of(error.code);
    log::at(row.twin_status >= 500 ? log::Level::warn : log::Level::debug, "mqtt.twin", "device={} status={} reason={}: {}",
            domain::to_text(identity_), row.twin_status, name(error.code), error.detail);
    if (request.request_id.empty() || !has_filter(FilterKind::twin_answers)) return;
    const std::string topic = codec::hub_mqtt::twin_answer_topic(row.twin_status, request.request_id);
    const std::string body = error_body(error, random_.guid(), time_.utc_now());
    ignore(send(codec::mqtt::Publish{.topic = topic, .payload = body}), "a request id that fills its whole topic gets no answer");
}

}  // namespace selvage::heads::mqtt
