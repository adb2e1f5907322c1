// One MQTT connection, from its CONNECT to its end. Private to the room.
//
// Owns the stream, the session with the hub and a few coroutines: serve() itself reads; writing and twin requests have a
// coroutine only while there is something to wait for. An idle connection costs this object and one coroutine that reads.
// Runs on: the hub's loop. Any part may call end(); finish() then cleans up.
#pragma once

#include <array>
#include <exception>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/event.h"
#include "async/task_group.h"
#include "async/time_source.h"
#include "base/random.h"
#include "codec/hub_mqtt/hub_mqtt.h"
#include "codec/mqtt/packet.h"
#include "heads/mqtt/mqtt_head.h"
#include "heads/mqtt/opening.h"
#include "heads/mqtt/pending_acks.h"
#include "hub_api/hub.h"
#include "net/stream.h"

namespace selvage::heads::mqtt {

using async::Awaitable;

// How long the hub may take for a call that a client waits for.
inline constexpr std::chrono::seconds kHubTimeout{60};

class MqttConnection final : public hub_api::DeviceSink, public std::enable_shared_from_this<MqttConnection> {
public:
    MqttConnection(async::Executor loop, std::shared_ptr<net::Stream> stream, hub_api::Hub& hub, async::TimeSource& time,
                   Random& random, std::shared_ptr<const MqttSettings> settings, codec::mqtt::Decoder decoder);

    // One after the other; serve() only if connect() says so; then finish() in any case, also after an exception and when
    // the caller has been cancelled (whom its waits must not make throw any more). Nothing of the connection is left running
    // when that returns.
    Awaitable<bool> connect(std::unique_ptr<Opening> opening);
    Awaitable<> serve();
    Awaitable<> finish(std::exception_ptr failure);

    // DeviceSink: deliveries.cpp.
    void deliver(hub_api::Delivery delivery) override;
    void desired_changed(std::int64_t version, const std::string& patch) override;
    void invoke_method(const std::string& request_id, const domain::MethodRequest& request) override;
    void close(hub_api::CloseReason reason) override;

private:
    using FilterKind = codec::hub_mqtt::FilterKind;
    struct ActiveFilter {
        std::string filter;
        std::uint8_t qos;
        FilterKind kind;
    };
    struct TwinRequest {
        std::string request_id;                 // empty: no answer wanted
        std::optional<std::string> patch;       // nothing: get
        std::optional<std::int64_t> if_version;
    };
    struct Unacked {
        std::uint16_t packet_id;
        hub_api::LockToken token;
    };

    // connection.cpp
    // What a read into the thread's buffer brought.
    void hear(const Result<std::size_t>& count);
    // Takes what the decoder has; why it stopped.
    enum class Pause { ended, need_bytes, no_room, subscription };
    Pause take_packets();
    Awaitable<> send_will();
    Awaitable<> wait_for_room();
    bool inbound_full() const;
    void wake_reader();
    // Drops the connection; the first reason stays. Safe anywhere, any number of times.
    void end(std::string reason);

    // connect.cpp
    Awaitable<Result<bool>> let_in(codec::mqtt::Connect packet);
    Awaitable<Result<>> open_session(codec::mqtt::Connect packet);
    Awaitable<Result<bool>> load_session();
    Awaitable<> refuse(codec::mqtt::ConnectCode code, Error why);
    Result<> check_will(const codec::mqtt::Will& will) const;

    // inbound.cpp
    void take(codec::mqtt::Packet& packet);
    void take_publish(const codec::mqtt::Publish& publish);
    void take_telemetry(std::string_view bag, const codec::mqtt::Publish& publish);
    void take_puback(std::uint16_t packet_id);
    void telemetry_done(std::uint64_t number, const Result<>& result);
    void acknowledge_done();

    // twin_requests.cpp
    void queue_twin_request(TwinRequest request);
    Awaitable<> run_twin_requests();
    void answer_twin(const TwinRequest& request, const Result<std::string>& twin);
    void answer_twin(const TwinRequest& request, const Result<std::int64_t>& version);
    void answer_twin_error(const TwinRequest& request, const Error& error);

    // subscriptions.cpp
    Awaitable<> change_subscription(std::unique_ptr<codec::mqtt::Packet> packet);
    Awaitable<> subscribe(codec::mqtt::Subscribe packet);
    Awaitable<> unsubscribe(codec::mqtt::Unsubscribe packet);
    Awaitable<> restore_filters(std::vector<hub_api::StoredFilter> stored);
    Awaitable<> save_filters();
    Awaitable<Result<>> switch_feed(FilterKind kind, bool on);
    void open_windows();
    bool has_filter(FilterKind kind) const;
    // The QoS of the best matching filter of that kind.
    std::optional<std::uint8_t> granted_qos(FilterKind kind, std::string_view topic) const;

    // deliveries.cpp
    void pump_deliveries();
    void send_delivery(hub_api::Delivery delivery);
    std::uint16_t new_packet_id();

    // output.cpp
    // Queues a packet; all that is queued in one turn goes out in one write. Errors: invalid_argument (does not encode).
    Result<> send(const codec::mqtt::Packet& packet);
    void flush();
    Awaitable<> flush_slowly(std::string bytes, std::size_t from, std::vector<hub_api::LockToken> settle);
    void written(const std::vector<hub_api::LockToken>& settle);

    // watchdog.cpp
    void look_after();

    std::shared_ptr<net::Stream> stream_;
    hub_api::Hub& hub_;
    async::TimeSource& time_;
    Random& random_;
    std::shared_ptr<const MqttSettings> settings_;
    async::TaskGroup tasks_;

    domain::Identity identity_;
    bool clean_session_ = true;
    std::unique_ptr<codec::mqtt::Will> will_;
    std::chrono::milliseconds keep_alive_{0};
    std::optional<UtcTime> expires_;
    std::unique_ptr<hub_api::DeviceSession> session_;
    std::vector<hub_api::StoredFilter> stored_filters_;   // between opening the session and CONNACK

    codec::mqtt::Decoder decoder_;
    std::unique_ptr<codec::mqtt::Packet> subscription_;   // SUBSCRIBE or UNSUBSCRIBE whose turn it is
    std::unique_ptr<async::Timer> watchdog_;
    TimePoint last_heard_{};
    bool reading_ = false;                  // waiting for bytes: only then is the peer the silent one
    std::unique_ptr<async::Event> room_;    // while reading pauses
    PendingAcks acks_;
    std::vector<TwinRequest> twin_requests_;
    bool twin_worker_ = false;

    std::vector<ActiveFilter> filters_;
    std::array<bool, 4> feed_on_{};         // by Feed
    std::array<bool, 4> window_open_{};

    std::list<hub_api::Delivery> waiting_;  // granted by the window, and no room in output_ yet
    std::vector<Unacked> unacked_;          // in the order of sending
    std::uint16_t last_packet_id_ = 0;
    bool pumping_ = false;

    std::string output_;
    std::vector<hub_api::LockToken> settle_on_flush_;   // QoS 0 deliveries whose bytes are in output_
    bool flushing_ = false;
    TimePoint flush_began_{};

    bool ended_ = false;
    bool closed_by_hub_ = false;
    std::string end_reason_;
};

// For log lines: what a peer sent, without control characters and not endless.
std::string printable(std::string_view text);

}  // namespace selvage::heads::mqtt
