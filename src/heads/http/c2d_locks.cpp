#include "heads/http/c2d_locks.h"

#include "base/encoding.h"

namespace selvage::heads::http {

// Every lock lasts as long as any other, but with thousands of them a look at all is still cheaper than a request.
void C2dLocks::drop_ended() {
    const TimePoint now = time_.now();
    // Sessions are destroyed outside the table: their end may deliver to others.
    std::vector<Lock> ended;
    for (auto lock = locks_.begin(); lock != locks_.end();) {
        if (lock->second.ends > now) {
            ++lock;
            continue;
        }
        ended.push_back(std::move(lock->second));
        lock = locks_.erase(lock);
    }
}

Result<> C2dLocks::check_room() {
    if (locks_.size() >= settings_.locks_max) drop_ended();
    if (locks_.size() < settings_.locks_max) return {};
    return fail(Errc::throttled, "too many messages are locked over HTTPS; settle some");
}

std::string C2dLocks::keep(domain::Identity identity, const hub_api::Delivery& delivery,
                           std::unique_ptr<hub_api::DeviceSession> session) {
    drop_ended();
    std::string name(delivery.message.get(domain::SystemProperty::lock_token).value_or(""));
    if (name.empty()) name = random_.guid();
    Lock lock{.identity = std::move(identity),
              .ends = time_.now() + settings_.lock_time,
              .token = delivery.token,
              .session = std::move(session)};
    // A name that is there still is that of an older lock of the same message, which the hub has ended.
    const auto older = std::exchange(locks_[to_lower(name)], std::move(lock));
    return name;
}

Result<> C2dLocks::settle(const domain::Identity& identity, const std::string& lock_token, hub_api::Outcome outcome) {
    const auto found = locks_.find(to_lower(lock_token));
    const auto lost = [] { return fail(Errc::precondition_failed, "the lock of the message is lost"); };
    if (found == locks_.end() || found->second.identity != identity) return lost();
    const Lock lock = std::move(found->second);
    locks_.erase(found);
    if (lock.ends <= time_.now() || !lock.session->settle(lock.token, outcome)) return lost();
    return {};
}

}  // namespace selvage::heads::http
