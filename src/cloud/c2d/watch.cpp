// Time: locks that lapse and messages that expire.
//
// Locks are in the order in which they lapse. For expiry the store is asked for the next
// one and woken up by sooner ones; nothing is looked at before its time. The wall clock may jump, so no sleep is long.
#include <algorithm>

#include "async/deadline.h"
#include "base/log.h"
#include "cloud/c2d/mailboxes.h"

namespace selvage::cloud::c2d {

namespace {

constexpr std::chrono::seconds kSleepMost{10};
constexpr std::size_t kExpiredAtOnce = 500;
constexpr std::chrono::hours kFarAway{24 * 365};

}  // namespace

Awaitable<> Mailboxes::watch() {
    while (!tasks_.stopping()) {
        sooner_.reset();
        lapse_locks();
        if (next_expiry_ <= time_.utc_now()) co_await end_expired();
        Duration sleep = std::min<Duration>(kSleepMost, next_expiry_ - time_.utc_now());
        if (!lapses_.empty()) sleep = std::min(sleep, lapses_.begin()->first.first - time_.now());
        if (sleep > Duration::zero()) co_await async::run_for(time_, sleep, sooner_.wait());
    }
}

void Mailboxes::expiry_at(UtcTime when) {
    if (when >= next_expiry_) return;
    next_expiry_ = when;
    sooner_.set();
}

// All that lapse now, and only then those who listen: else the first to lapse would overtake older ones.
void Mailboxes::lapse_locks() {
    std::set<MailboxAddress> woken;
    while (!lapses_.empty() && lapses_.begin()->first.first <= time_.now()) {
        const auto token = lapses_.begin()->first.second;
        const MailboxAddress address = lapses_.begin()->second;
        auto& mailbox = mailboxes_.at(address);  // a mailbox with a lock is not forgotten
        release(mailbox, mailbox.locks.find(token));
        woken.insert(address);
    }
    for (const auto& address : woken) {
        wake(address);
        forget_if_idle(address);
    }
}

// Locked messages are left alone: their time comes when the lock is over.
Awaitable<> Mailboxes::end_expired() {
    const UtcTime now = time_.utc_now();
    const auto expired = co_await store_.expired(now, kExpiredAtOnce);
    if (!expired) {
        log::error("c2d", "expired messages cannot be read: {}", expired.error().detail);
        next_expiry_ = now + kSleepMost;
        co_return;
    }
    for (const auto& place : *expired) {
        auto& mailbox = mailboxes_[place.address];
        mailbox.address = place.address;
        if (!mailbox.held.insert(place.sequence).second) continue;
        tasks_.spawn("c2d: expire", end(place.address, place.sequence, storage::MailEnd::expired));
    }
    if (expired->size() == kExpiredAtOnce) {
        // The rest in a moment, when these are gone.
        next_expiry_ = now + std::chrono::milliseconds(50);
        co_return;
    }
    // What came while the store answered has called expiry_at.
    next_expiry_ = now + kFarAway;
    const auto next = co_await store_.next_expiry(now);
    if (next && *next) next_expiry_ = std::min(next_expiry_, **next);
    if (!next) next_expiry_ = now + kSleepMost;
}

}  // namespace selvage::cloud::c2d
