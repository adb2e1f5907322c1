// The mailboxes of devices: cloud-to-device messages from the back end that sends one until the device settles it.
//
//   waiting --deliver--> locked --completed--> gone                (feedback: Success)
//      ^                   | |---rejected----> dead-lettered       (Rejected)
//      |<-----abandoned----| |                                     (the n-th time: DeliveryCountExceeded)
//      |<--lock lapses, session ends
//      '-- expires: dead-lettered (Expired) -- purged (Purged)
//
// Messages are in the store from send() on; locks are here only, so that a crash puts every message back. A message goes out
// oldest first. Delivering never waits for the device: each receiver has a window of unsettled deliveries, and a delivery
// whose lock lapsed keeps its place in the window until the head settles it, so that a device that never answers costs a
// bounded number of repetitions.
//
// Runs on: the hub's loop. Bounded: a mailbox by `depth_max`, memory by the windows of those who listen.
// Wire: docs/wire/c2d.md.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "async/event.h"
#include "async/task_group.h"
#include "async/time_source.h"
#include "base/random.h"
#include "cloud/sessions/session_table.h"
#include "domain/message.h"
#include "hub_api/hub.h"
#include "storage/mailbox_store.h"
#include "storage/registry_store.h"

namespace selvage::cloud::c2d {

using async::Awaitable;
using storage::MailboxAddress;

struct MailboxSettings {
    std::size_t depth_max = 50;
    std::chrono::seconds time_to_live{3600};
    std::chrono::seconds lock_time{60};
    std::uint32_t deliveries_max = 10;
    std::size_t message_bytes_max = 65'536;
};

// One who takes deliveries of a mailbox: a session that has switched the feed on. Made by Mailboxes::attach.
struct Receiver {
    MailboxAddress address;
    std::shared_ptr<const sessions::LiveSession> session;
    std::uint32_t window = 0;
    std::set<hub_api::LockToken> unsettled;
    bool listening = false;
    bool attached = true;
    bool filling = false;  // fill() is under way, and
    bool again = false;    // has to look once more
};

class Mailboxes {
public:
    Mailboxes(async::Executor loop, async::TimeSource& time, Random& random, storage::MailboxStore& store,
              storage::RegistryStore& registry, MailboxSettings settings);

    // Begins to look after lapsing locks and expiring messages.
    void start();
    // Ends it; deliveries that were being settled are settled.
    Awaitable<> stop();

    // ---- for back ends ----
    struct Sent {
        std::int64_t sequence = 0;
        UtcTime expires{};
    };
    // Stores a message for a device. `absolute_expiry_time`, `ack` and `message_id` of it count. Errors: device_not_found,
    // invalid_argument (names the property), message_too_large, quota_exceeded (the mailbox is full), unavailable.
    Awaitable<Result<Sent>> send(std::string device_id, domain::Message message);
    // Ends all messages of a device, locked ones too. How many there were. Errors: device_not_found.
    Awaitable<Result<std::int64_t>> purge(std::string device_id);

    // ---- for sessions ----
    std::shared_ptr<Receiver> attach(MailboxAddress address, std::shared_ptr<const sessions::LiveSession> session);
    // Returns when what waits has been delivered, as far as the window lets it.
    Awaitable<> listen(std::shared_ptr<Receiver> receiver, bool on);
    void set_window(const std::shared_ptr<Receiver>& receiver, std::uint32_t deliveries_max);
    // What it holds goes back.
    void detach(const std::shared_ptr<Receiver>& receiver);
    // False: no such lock, or it lapsed.
    bool settle(const MailboxAddress& address, hub_api::LockToken token, hub_api::Outcome outcome);

private:
    struct Lock {
        std::int64_t sequence = 0;
        UtcTime expires{};
        TimePoint lapses{};
        std::weak_ptr<Receiver> holder;
    };
    using Locks = std::map<hub_api::LockToken, Lock>;
    // What is known of a mailbox that somebody listens to or holds messages of.
    struct Mailbox {
        MailboxAddress address;
        Locks locks;
        std::set<std::int64_t> held;  // locked, or being ended: not to be delivered
        std::vector<std::shared_ptr<Receiver>> receivers;
        std::uint64_t releases = 0;  // how many of `held` have come back to wait
    };

    Mailbox* find(const MailboxAddress& address);
    void forget_if_idle(const MailboxAddress& address);
    void wake(const MailboxAddress& address);
    void wake(const std::shared_ptr<Receiver>& receiver);
    Awaitable<> fill(std::shared_ptr<Receiver> receiver);
    bool deliver(Receiver& receiver, const std::shared_ptr<Receiver>& holder, storage::Mail mail);
    // Both give the lock that follows.
    Locks::iterator erase(Mailbox& mailbox, Locks::iterator lock);
    Locks::iterator release(Mailbox& mailbox, Locks::iterator lock);
    Awaitable<> end(MailboxAddress address, std::int64_t sequence, storage::MailEnd how);
    Awaitable<> abandon(MailboxAddress address, std::int64_t sequence);
    void let_go(const MailboxAddress& address, std::int64_t sequence);

    // watch.cpp
    Awaitable<> watch();
    void lapse_locks();
    Awaitable<> end_expired();
    void expiry_at(UtcTime when);

    async::TimeSource& time_;
    Random& random_;
    storage::MailboxStore& store_;
    storage::RegistryStore& registry_;
    MailboxSettings settings_;
    std::map<MailboxAddress, Mailbox> mailboxes_;
    std::map<std::pair<TimePoint, hub_api::LockToken>, MailboxAddress> lapses_;  // of all locks, the first first
    UtcTime next_expiry_{};     // nothing expires before
    async::Event sooner_;       // a lapse or expiry has come that watch() does not wait for yet
    async::TaskGroup tasks_;
};

}  // namespace selvage::cloud::c2d
