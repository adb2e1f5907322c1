#include "cloud/sessions/session_table.h"

#include <algorithm>

namespace selvage::cloud::sessions {

using hub_api::CloseReason;

namespace {

std::shared_ptr<LiveSession> make_session(domain::Identity identity, std::vector<std::string> chain,
                                          std::weak_ptr<hub_api::DeviceSink> sink, UtcTime now) {
    auto session = std::make_shared<LiveSession>();
    session->identity = std::move(identity);
    session->chain = std::move(chain);
    session->sink = std::move(sink);
    session->opened = now;
    session->last_activity = now;
    return session;
}

}  // namespace

Result<std::shared_ptr<LiveSession>> SessionTable::open(domain::Identity identity, std::vector<std::string> chain,
                                                        std::weak_ptr<hub_api::DeviceSink> sink, UtcTime now) {
    if (const auto older = find(identity)) close(older, CloseReason::replaced);
    if (sessions_.size() >= clients_max_) {
        return fail(Errc::quota_exceeded, "the hub has as many connected clients as limits.connections allows");
    }
    auto session = make_session(identity, std::move(chain), std::move(sink), now);
    sessions_[std::move(identity)] = session;
    return session;
}

std::shared_ptr<LiveSession> SessionTable::make_transient(domain::Identity identity, std::vector<std::string> chain,
                                                          std::weak_ptr<hub_api::DeviceSink> sink, UtcTime now) {
    auto session = make_session(std::move(identity), std::move(chain), std::move(sink), now);
    session->transient = true;
    return session;
}

void SessionTable::end(const std::shared_ptr<LiveSession>& session) {
    session->ended = true;
    const auto current = sessions_.find(session->identity);
    if (current != sessions_.end() && current->second == session) sessions_.erase(current);
    auto waiting = std::move(session->methods_waiting);
    session->methods_waiting.clear();
    for (auto& [id, done] : waiting)
        done(fail(Errc::connection_closed, "Device unavailable"));
}

std::shared_ptr<LiveSession> SessionTable::find(const domain::Identity& identity) const {
    const auto found = sessions_.find(identity);
    return found == sessions_.end() ? nullptr : found->second;
}

void SessionTable::revoke(const domain::Identity& identity, CloseReason reason) {
    if (const auto session = find(identity)) close(session, reason);
}

void SessionTable::revoke_device(const std::string& device, CloseReason reason) {
    std::vector<std::shared_ptr<LiveSession>> theirs;
    for (auto it = sessions_.lower_bound(domain::Identity::of_device(device));
         it != sessions_.end() && it->first.device == device; ++it) {
        theirs.push_back(it->second);
    }
    close_all_of(std::move(theirs), reason);
}

void SessionTable::revoke_on_behalf(const std::string& device, CloseReason reason) {
    std::vector<std::shared_ptr<LiveSession>> theirs;
    for (const auto& [identity, session] : sessions_) {
        if (std::ranges::find(session->chain, device) != session->chain.end()) theirs.push_back(session);
    }
    close_all_of(std::move(theirs), reason);
}

void SessionTable::close_all(CloseReason reason) {
    std::vector<std::shared_ptr<LiveSession>> all;
    for (const auto& [identity, session] : sessions_)
        all.push_back(session);
    close_all_of(std::move(all), reason);
}

// Closing calls into heads, which may call back: so the list is made before the first call.
void SessionTable::close_all_of(std::vector<std::shared_ptr<LiveSession>> sessions, CloseReason reason) {
    for (auto& session : sessions)
        close(std::move(session), reason);
}

void SessionTable::close(std::shared_ptr<LiveSession> session, CloseReason reason) {
    if (session->ended) return;
    end(session);
    if (const auto sink = session->sink.lock()) sink->close(reason);
}

void SessionTable::methods_wanted(const LiveSession& session) {
    const auto waiters = method_waiters_.find(session.identity);
    if (waiters == method_waiters_.end()) return;
    if (const auto event = waiters->second.lock()) event->set();
    method_waiters_.erase(waiters);
}

async::Awaitable<> SessionTable::wait_for_methods(domain::Identity identity) {
    auto& slot = method_waiters_[identity];
    auto event = slot.lock();
    if (!event) {
        event = std::make_shared<async::Event>(loop_);
        slot = event;
    }
    co_await event->wait();
    // The last one to give up takes the entry along, so that the map holds only identities that someone waits for.
    const auto waiters = method_waiters_.find(identity);
    if (waiters != method_waiters_.end() && event.use_count() == 1 && waiters->second.lock() == event) {
        method_waiters_.erase(waiters);
    }
}

std::vector<domain::Identity> SessionTable::identities() const {
    std::vector<domain::Identity> all;
    all.reserve(sessions_.size());
    for (const auto& [identity, session] : sessions_)
        all.push_back(identity);
    return all;
}

std::size_t SessionTable::connected_devices() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(sessions_, [](const auto& entry) { return !entry.first.is_module(); }));
}

}  // namespace selvage::cloud::sessions
