// Everything here assumes that anything may have changed after a co_await, and that delivering may call back into settle(),
// detach() and set_window().
#include "cloud/c2d/mailboxes.h"

#include <algorithm>

#include "base/log.h"
#include "cloud/c2d/mail_input.h"

namespace selvage::cloud::c2d {

using hub_api::LockToken;
using hub_api::Outcome;
using storage::MailEnd;

namespace {

// Read from the store at once for one receiver.
constexpr std::size_t kFillBytes = 256 * 1024;

bool has_room(const Receiver& receiver) {
    return receiver.attached && receiver.listening && !receiver.session->ended &&
           !receiver.session->sink.expired() && receiver.unsettled.size() < receiver.window;
}

}  // namespace

Mailboxes::Mailboxes(async::Executor loop, async::TimeSource& time, Random& random, storage::MailboxStore& store,
                     storage::RegistryStore& registry, MailboxSettings settings)
    : time_(time),
      random_(random),
      store_(store),
      registry_(registry),
      settings_(settings),
      sooner_(loop),
      tasks_(loop) {}

void Mailboxes::start() {
    tasks_.spawn("c2d: locks and expiry", watch());
}

Awaitable<> Mailboxes::stop() {
    return tasks_.stop();
}

// ---- back ends -----------------------------------------------------------------------------------------------------

Awaitable<Result<Mailboxes::Sent>> Mailboxes::send(std::string device_id, domain::Message message) {
    const UtcTime now = time_.utc_now();
    SELVAGE_CO_TRY(auto mail, make_mail(std::move(message), device_id, now, now + settings_.time_to_live,
                                        settings_.message_bytes_max));
    SELVAGE_CO_TRY(const auto device, co_await registry_.device(device_id));
    const MailboxAddress address{.device_id = std::move(device_id), .generation_id = device.generation_id};
    const UtcTime expires = mail.expires;
    SELVAGE_CO_TRY(const auto sequence, co_await store_.put(address, std::move(mail), settings_.depth_max));
    expiry_at(expires);
    wake(address);
    co_return Sent{.sequence = sequence, .expires = expires};
}

Awaitable<Result<std::int64_t>> Mailboxes::purge(std::string device_id) {
    SELVAGE_CO_TRY(const auto device, co_await registry_.device(device_id));
    const MailboxAddress address{.device_id = std::move(device_id), .generation_id = device.generation_id};
    SELVAGE_CO_TRY(const auto purged, co_await store_.purge(address, time_.utc_now()));
    if (auto* mailbox = find(address)) {
        for (auto lock = mailbox->locks.begin(); lock != mailbox->locks.end();) {
            mailbox->held.erase(lock->second.sequence);
            lock = erase(*mailbox, lock);
        }
        forget_if_idle(address);
    }
    co_return purged;
}

// ---- sessions ------------------------------------------------------------------------------------------------------

std::shared_ptr<Receiver> Mailboxes::attach(MailboxAddress address,
                                            std::shared_ptr<const sessions::LiveSession> session) {
    auto receiver = std::make_shared<Receiver>();
    receiver->address = std::move(address);
    receiver->session = std::move(session);
    auto& mailbox = mailboxes_[receiver->address];
    mailbox.address = receiver->address;
    mailbox.receivers.push_back(receiver);
    return receiver;
}

Awaitable<> Mailboxes::listen(std::shared_ptr<Receiver> receiver, bool on) {
    receiver->listening = on;
    co_await fill(std::move(receiver));
}

void Mailboxes::set_window(const std::shared_ptr<Receiver>& receiver, std::uint32_t deliveries_max) {
    receiver->window = deliveries_max;
    wake(receiver);
}

void Mailboxes::detach(const std::shared_ptr<Receiver>& receiver) {
    if (!receiver->attached) return;
    receiver->attached = false;
    auto* mailbox = find(receiver->address);
    if (mailbox == nullptr) return;
    std::erase(mailbox->receivers, receiver);
    for (auto lock = mailbox->locks.begin(); lock != mailbox->locks.end();) {
        lock = lock->second.holder.lock() == receiver ? release(*mailbox, lock) : std::next(lock);
    }
    wake(receiver->address);
    forget_if_idle(receiver->address);
}

bool Mailboxes::settle(const MailboxAddress& address, LockToken token, Outcome outcome) {
    auto* mailbox = find(address);
    if (mailbox == nullptr) return false;
    for (const auto& receiver : mailbox->receivers) {
        if (receiver->unsettled.erase(token) > 0) wake(receiver);
    }
    const auto found = mailbox->locks.find(token);
    if (found == mailbox->locks.end()) return false;
    const auto sequence = found->second.sequence;
    erase(*mailbox, found);
    switch (outcome) {
        case Outcome::completed:
            tasks_.spawn("c2d: complete", end(address, sequence, MailEnd::success));
            break;
        case Outcome::rejected:
            tasks_.spawn("c2d: reject", end(address, sequence, MailEnd::rejected));
            break;
        case Outcome::abandoned:
            tasks_.spawn("c2d: abandon", abandon(address, sequence));
            break;
    }
    return true;
}

// ---- inside --------------------------------------------------------------------------------------------------------

Mailboxes::Mailbox* Mailboxes::find(const MailboxAddress& address) {
    const auto found = mailboxes_.find(address);
    return found == mailboxes_.end() ? nullptr : &found->second;
}

void Mailboxes::forget_if_idle(const MailboxAddress& address) {
    const auto found = mailboxes_.find(address);
    if (found == mailboxes_.end()) return;
    const auto& mailbox = found->second;
    if (mailbox.receivers.empty() && mailbox.locks.empty() && mailbox.held.empty()) mailboxes_.erase(found);
}

void Mailboxes::wake(const MailboxAddress& address) {
    const auto* mailbox = find(address);
    if (mailbox == nullptr) return;
    for (const auto& receiver : mailbox->receivers)
        wake(receiver);
}

void Mailboxes::wake(const std::shared_ptr<Receiver>& receiver) {
    if (!has_room(*receiver)) return;
    receiver->again = true;
    if (!receiver->filling) tasks_.spawn("c2d: deliver", fill(receiver));
}

// One at a time for each receiver, so that it gets messages in their order.
Awaitable<> Mailboxes::fill(std::shared_ptr<Receiver> receiver) {
    if (receiver->filling) co_return;
    receiver->filling = true;
    receiver->again = true;
    while (receiver->again && has_room(*receiver)) {
        receiver->again = false;
        const auto* mailbox = find(receiver->address);
        if (mailbox == nullptr) break;
        const auto releases = mailbox->releases;
        const std::size_t room = receiver->window - receiver->unsettled.size();
        auto mails = co_await store_.next(receiver->address, mailbox->held, time_.utc_now(), room, kFillBytes);
        if (!mails) {
            if (mails.error().code != Errc::unavailable) {
                log::error("c2d", "messages for {} cannot be read: {}", receiver->address.device_id, mails.error().detail);
            }
            break;
        }
        // One that came back meanwhile may be older than these.
        if (mailbox = find(receiver->address); mailbox == nullptr) break;
        if (mailbox->releases != releases) {
            receiver->again = true;
            continue;
        }
        // Others took some of them meanwhile: there may be more behind those.
        std::size_t delivered = 0;
        for (auto& mail : *mails) {
            if (deliver(*receiver, receiver, std::move(mail))) ++delivered;
        }
        if (!mails->empty() && (delivered < mails->size() || mails->size() < room)) receiver->again = true;
    }
    receiver->filling = false;
}

bool Mailboxes::deliver(Receiver& receiver, const std::shared_ptr<Receiver>& holder, storage::Mail mail) {
    auto* mailbox = find(receiver.address);
    if (mailbox == nullptr || !has_room(receiver) || mailbox->held.contains(mail.sequence)) return false;
    const auto sink = receiver.session->sink.lock();
    if (!sink) return false;
    auto message = read_mail(mail);
    mailbox->held.insert(mail.sequence);
    if (!message) {
        log::error("c2d", "message {} for {} is damaged and was taken out: {}", mail.sequence, receiver.address.device_id,
                   message.error().detail);
        tasks_.spawn("c2d: take out", end(receiver.address, mail.sequence, MailEnd::rejected));
        return true;
    }
    LockToken token = 0;
    do {
        token = random_.next();
    } while (token == 0 || mailbox->locks.contains(token));
    const TimePoint lapses = time_.now() + settings_.lock_time;
    mailbox->locks.emplace(
        token, Lock{.sequence = mail.sequence, .expires = mail.expires, .lapses = lapses, .holder = holder});
    receiver.unsettled.insert(token);
    lapses_.emplace(std::pair(lapses, token), receiver.address);
    if (lapses_.size() == 1) sooner_.set();
    sink->deliver({.token = token,
                   .feed = hub_api::Feed::c2d,
                   .delivery_count = mail.delivery_count,
                   .message = *std::move(message)});
    return true;
}

Mailboxes::Locks::iterator Mailboxes::erase(Mailbox& mailbox, Locks::iterator lock) {
    lapses_.erase({lock->second.lapses, lock->first});
    return mailbox.locks.erase(lock);
}

// The message waits again.
Mailboxes::Locks::iterator Mailboxes::release(Mailbox& mailbox, Locks::iterator lock) {
    mailbox.held.erase(lock->second.sequence);
    ++mailbox.releases;
    if (lock->second.expires <= time_.utc_now()) expiry_at(lock->second.expires);
    return erase(mailbox, lock);
}

Awaitable<> Mailboxes::end(MailboxAddress address, std::int64_t sequence, MailEnd how) {
    const auto ended = co_await store_.end(sequence, how, time_.utc_now());
    if (!ended) log::error("c2d", "message {} for {} stays: {}", sequence, address.device_id, ended.error().detail);
    let_go(address, sequence);
}

Awaitable<> Mailboxes::abandon(MailboxAddress address, std::int64_t sequence) {
    const auto ended = co_await store_.abandon(sequence, settings_.deliveries_max, time_.utc_now());
    if (!ended) log::error("c2d", "message {} for {}: {}", sequence, address.device_id, ended.error().detail);
    // It may have expired while it was locked.
    expiry_at(time_.utc_now());
    let_go(address, sequence);
}

void Mailboxes::let_go(const MailboxAddress& address, std::int64_t sequence) {
    auto* mailbox = find(address);
    if (mailbox == nullptr) return;
    mailbox->held.erase(sequence);
    ++mailbox->releases;
    wake(address);
    forget_if_idle(address);
}

}  // namespace selvage::cloud::c2d
