// Cloud-to-device messages that wait for their devices, and the feedback about those that no longer do.
//
// A message is in the store from put() until it ends: completed, expired, rejected, delivered too often or purged. Ending
// one removes it and, where its sender asked for it, records feedback in the same transaction. Who holds a message right now
// (locks) is not stored: after a crash all of them wait again.
//
// Runs on: called on a loop; the work runs on the store's own thread, group-committed. A write that returned is durable.
// Bounded: the depth of a mailbox by put(), feedback by `feedback_max` (the oldest go first).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "async/awaitable.h"
#include "base/clock.h"
#include "base/result.h"

namespace selvage::storage {

// A device that was removed and made again has another generation, and nothing to do with what was sent to the first.
struct MailboxAddress {
    std::string device_id;
    std::string generation_id;
    auto operator<=>(const MailboxAddress&) const = default;
};

struct Mail {
    std::int64_t sequence = 0;           // given by put(); rises within a mailbox, never used again
    std::string record;                  // domain::append_record
    std::string message_id;              // for feedback
    bool feedback_on_success = false;
    bool feedback_on_failure = false;
    UtcTime enqueued{};
    UtcTime expires{};
    std::uint32_t delivery_count = 0;    // how often it was abandoned
};

// How a message ended. Stored by number: append, never reorder.
enum class MailEnd : std::uint8_t { success, expired, delivery_count_exceeded, rejected, purged };

struct MailPlace {
    MailboxAddress address;
    std::int64_t sequence = 0;
};

struct FeedbackRecord {
    std::int64_t id = 0;
    std::string message_id;
    MailboxAddress address;
    UtcTime when{};                      // of the end
    MailEnd end = MailEnd::success;
    std::uint32_t delivery_count = 0;    // how often this record was abandoned
};

class MailboxStore {
public:
    virtual ~MailboxStore() = default;

    // The sequence number. Errors: quota_exceeded (`depth_max` messages wait; disk full), io_error.
    virtual async::Awaitable<Result<std::int64_t>> put(MailboxAddress address, Mail mail, std::size_t depth_max) = 0;
    // The oldest that have not expired at `now` and are not in `held`: at most `mails_max`, and no further one once they have
    // `bytes_max` bytes.
    virtual async::Awaitable<Result<std::vector<Mail>>> next(MailboxAddress address, std::set<std::int64_t> held, UtcTime now,
                                                             std::size_t mails_max, std::size_t bytes_max) = 0;
    virtual async::Awaitable<Result<std::int64_t>> count(MailboxAddress address) = 0;

    // False: it was gone already.
    virtual async::Awaitable<Result<bool>> end(std::int64_t sequence, MailEnd end, UtcTime now) = 0;
    // One more delivery that came to nothing; the `deliveries_max`-th ends the message. True: it ended.
    virtual async::Awaitable<Result<bool>> abandon(std::int64_t sequence, std::uint32_t deliveries_max, UtcTime now) = 0;
    // Ends all of a mailbox; how many there were.
    virtual async::Awaitable<Result<std::int64_t>> purge(MailboxAddress address, UtcTime now) = 0;
    // The device is no more: messages of all its generations and feedback about them go without a trace.
    virtual async::Awaitable<Result<>> remove(std::string device_id) = 0;

    // Those that have expired at `now`, the first to expire first; at most `most`.
    virtual async::Awaitable<Result<std::vector<MailPlace>>> expired(UtcTime now, std::size_t most) = 0;
    // When the first of those expires that have not at `now`.
    virtual async::Awaitable<Result<std::optional<UtcTime>>> next_expiry(UtcTime now) = 0;

    // The oldest records that are not in `held` and no older than `since`; older ones are removed.
    virtual async::Awaitable<Result<std::vector<FeedbackRecord>>> feedback(std::set<std::int64_t> held, UtcTime since,
                                                                           std::size_t most) = 0;
    virtual async::Awaitable<Result<>> remove_feedback(std::vector<std::int64_t> ids) = 0;
    // One more delivery that came to nothing; the `deliveries_max`-th removes a record.
    virtual async::Awaitable<Result<>> abandon_feedback(std::vector<std::int64_t> ids, std::uint32_t deliveries_max) = 0;

    // Waits for work under way and closes. Call before destruction; afterwards everything fails with unavailable.
    virtual async::Awaitable<> stop() = 0;
};

}  // namespace selvage::storage
