// One connected client: its telemetry into the store, its feeds, its methods.
//
// Shared: the head holds it through a handle that ends it when destroyed; coroutines that serve the client hold it while
// they run. After end() it does nothing any more, and calls no sink.
//
// Runs on: the hub's loop. Bounded: telemetry not yet durable by the head's own limits; C2D by the hub above (its link's
// unacknowledged messages).
#pragma once

#include <deque>
#include <memory>
#include <set>

#include "async/time_source.h"
#include "base/random.h"
#include "edge/hub/inputs/module_inputs.h"
#include "edge/hub/sessions/c2d_relay.h"
#include "edge/hub/store/telemetry_store.h"
#include "edge/hub/twins/twin_cache.h"
#include "edge/hub/upstream/upstream_links.h"
#include "hub_api/hub.h"

namespace selvage::edge::hub {

class MethodCalls;

// What sessions work with; all of it outlives them.
struct SessionParts {
    async::Executor loop;
    async::TimeSource& time;
    Random& random;
    TelemetryStore& store;
    ModuleInputs& inputs;
    TwinCache& twins;
    UpstreamLinks& links;
    MethodCalls& methods;
    HubCounters& counters;
    std::string edge_device;
};

class ClientSession final : public InputReceiver, public std::enable_shared_from_this<ClientSession> {
public:
    ClientSession(SessionParts& parts, hub_api::Grant grant, hub_api::ConnectionInfo info,
                  std::weak_ptr<hub_api::DeviceSink> sink);
    ~ClientSession() override;

    const domain::Identity& identity() const { return grant_.identity; }
    bool wants(hub_api::Feed feed) const { return feeds_.contains(feed); }
    bool has_ended() const { return ended_; }
    // Unsettled deliveries go back to their queues; feeds are off. Idempotent.
    void end();

    // hub → client
    void desired_changed(std::int64_t version, const std::string& patch);
    // False: not listening.
    bool invoke_method(const std::string& request_id, const domain::MethodRequest& request);
    void c2d_arrived(domain::Message message, std::move_only_function<void()> acknowledge);
    void deliver_input(std::uint64_t ticket, std::uint32_t delivery_count, domain::Message message) override;
    // end(), and the head is told why.
    void close(hub_api::CloseReason reason);

    // client → hub, as hub_api::DeviceSession.
    void send_telemetry(domain::Message message, hub_api::SendDone done);
    async::Awaitable<Result<std::string>> get_twin();
    async::Awaitable<Result<std::int64_t>> patch_reported(std::string patch, std::optional<std::int64_t> if_version);
    async::Awaitable<Result<>> subscribe(hub_api::Feed feed, bool on);
    void set_window(hub_api::Feed feed, std::uint32_t deliveries_max);
    bool settle(hub_api::LockToken token, hub_api::Outcome outcome);
    void answer_method(const std::string& request_id, domain::MethodResponse response);

private:
    // One telemetry message whose sender waits for the verdict. Verdicts are given in the order of the messages, though
    // some (no route, too large) are known at once.
    struct Awaited {
        std::optional<Result<>> verdict;
        hub_api::SendDone done;
    };
    void stamp(domain::Message& message);
    void give_verdicts();
    void listen_to_inputs();
    void update_link_wishes();
    void deliver_c2d();

    SessionParts& parts_;
    hub_api::Grant grant_;
    hub_api::ConnectionInfo info_;
    std::weak_ptr<hub_api::DeviceSink> sink_;
    std::set<hub_api::Feed> feeds_;
    std::uint32_t input_window_ = 0;
    C2dRelay c2d_;
    std::deque<std::shared_ptr<Awaited>> awaited_;
    bool giving_verdicts_ = false;
    bool ended_ = false;
};

}  // namespace selvage::edge::hub
