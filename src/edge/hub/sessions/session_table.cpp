#include "edge/hub/sessions/session_table.h"

#include "base/log.h"

namespace selvage::edge::hub {

// What a head holds.
class SessionTable::Handle final : public hub_api::DeviceSession {
public:
    Handle(SessionTable& table, std::shared_ptr<ClientSession> session) : table_(table), session_(std::move(session)) {}
    ~Handle() override { table_.ended(session_); }

    void send_telemetry(domain::Message message, hub_api::SendDone done) override {
        session_->send_telemetry(std::move(message), std::move(done));
    }
    hub_api::Awaitable<Result<std::string>> get_twin() override { return session_->get_twin(); }
    hub_api::Awaitable<Result<std::int64_t>> patch_reported(std::string patch, std::optional<std::int64_t> if_version) override {
        return session_->patch_reported(std::move(patch), if_version);
    }
    hub_api::Awaitable<Result<>> subscribe(hub_api::Feed feed, bool on) override { return session_->subscribe(feed, on); }
    void set_window(hub_api::Feed feed, std::uint32_t deliveries_max) override { session_->set_window(feed, deliveries_max); }
    bool settle(hub_api::LockToken token, hub_api::Outcome outcome) override { return session_->settle(token, outcome); }
    void answer_method(const std::string& request_id, domain::MethodResponse response) override {
        session_->answer_method(request_id, std::move(response));
    }

private:
    SessionTable& table_;
    std::shared_ptr<ClientSession> session_;
};

SessionTable::SessionTable(SessionParts& parts, SessionListener& listener, std::size_t clients_max)
    : parts_(parts), listener_(listener), clients_max_(clients_max) {}

Result<std::unique_ptr<hub_api::DeviceSession>> SessionTable::open(hub_api::Grant grant, hub_api::ConnectionInfo info,
                                                                   std::weak_ptr<hub_api::DeviceSink> sink) {
    const auto identity = grant.identity;
    if (find(identity)) {
        log::info("edge.sessions", "replaced by a newer connection identity={}", to_text(identity));
        close(identity, hub_api::CloseReason::replaced);
    }
    if (sessions_.size() >= clients_max_) {
        ++parts_.counters.clients_refused;
        return fail(Errc::quota_exceeded,
                    "Edge hub already has maximum allowed clients (" + std::to_string(clients_max_) + ") connected.");
    }
    log::info("edge.sessions", "connected identity={} protocol={} from={}", to_text(identity), info.protocol,
              info.remote_address);
    auto session = std::make_shared<ClientSession>(parts_, std::move(grant), std::move(info), std::move(sink));
    sessions_[identity] = session;
    ++parts_.counters.clients_accepted;
    listener_.client_connected(identity);
    return std::make_unique<Handle>(*this, std::move(session));
}

std::shared_ptr<ClientSession> SessionTable::find(const domain::Identity& identity) const {
    const auto found = sessions_.find(identity);
    return found == sessions_.end() ? nullptr : found->second;
}

void SessionTable::ended(const std::shared_ptr<ClientSession>& session) {
    session->end();
    const auto found = sessions_.find(session->identity());
    if (found == sessions_.end() || found->second != session) return;    // closed from here, or replaced
    const auto identity = session->identity();
    sessions_.erase(found);
    ++parts_.counters.clients_ended;
    log::info("edge.sessions", "disconnected identity={}", to_text(identity));
    listener_.client_disconnected(identity);
}

void SessionTable::close(const domain::Identity& identity, hub_api::CloseReason reason) {
    const auto session = find(identity);
    if (!session) return;
    sessions_.erase(identity);
    ++parts_.counters.clients_ended;
    session->close(reason);
    log::info("edge.sessions", "closed identity={}", to_text(identity));
    listener_.client_disconnected(identity);
}

void SessionTable::close_all(hub_api::CloseReason reason) {
    while (!sessions_.empty()) {
        const auto identity = sessions_.begin()->first;
        close(identity, reason);
    }
}

}  // namespace selvage::edge::hub
