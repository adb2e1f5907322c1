#include "storage/sqlite/mailbox_rows.h"

#include <fmt/core.h>

#include "storage/sqlite/registry_rows.h"

namespace selvage::storage::sqlite {
namespace {

// Feedback about a message that is still there. The cap works on ids: they only grow, so the difference is a bound.
Result<> record_feedback(Database& database, std::int64_t sequence, MailEnd end, UtcTime now, std::int64_t feedback_max) {
    const bool success = end == MailEnd::success;
    SELVAGE_CHECK(database.run("INSERT INTO feedback(message_id, device_id, generation_id, happened, outcome, delivery_count)"
                               " SELECT message_id, device_id, generation_id, ?2, ?3, 0 FROM mails WHERE sequence=?1"
                               " AND message_id<>'' AND (CASE WHEN ?4 THEN on_success ELSE on_failure END)",
                               {sequence, milliseconds_of(now), static_cast<std::int64_t>(end), std::int64_t{success}}));
    if (database.changed_rows() == 0) return {};
    return database.run("DELETE FROM feedback WHERE id<=(SELECT max(id) FROM feedback)-?", {feedback_max});
}

Result<bool> is_there(Database& database, std::int64_t sequence) {
    return database.exists("SELECT 1 FROM mails WHERE sequence=?", {sequence});
}

}  // namespace

Result<std::int64_t> put_mail(Database& database, const MailboxAddress& address, const Mail& mail, std::size_t depth_max) {
    SELVAGE_TRY(const std::int64_t waiting, count_mails(database, address));
    if (static_cast<std::size_t>(waiting) >= depth_max) {
        return fail(Errc::quota_exceeded, fmt::format("{} messages wait for device '{}' already; at most {} may", waiting,
                                                      address.device_id, depth_max));
    }
    SELVAGE_TRY(auto rows,
                database.query("INSERT INTO mails(device_id, generation_id, message_id, on_success, on_failure, enqueued,"
                               " expires, delivery_count, record) VALUES(?,?,?,?,?,?,?,?,?) RETURNING sequence",
                               {address.device_id, address.generation_id, mail.message_id,
                                std::int64_t{mail.feedback_on_success}, std::int64_t{mail.feedback_on_failure},
                                milliseconds_of(mail.enqueued), milliseconds_of(mail.expires),
                                std::int64_t{mail.delivery_count}, Bytes{mail.record}}));
    SELVAGE_TRY(const bool made, rows.next());
    SELVAGE_ASSERT(made);
    const std::int64_t sequence = rows.integer(0);
    SELVAGE_CHECK(rows.next());
    return sequence;
}

Result<std::vector<Mail>> next_mails(Database& database, const MailboxAddress& address, const std::set<std::int64_t>& held,
                                     UtcTime now, std::size_t mails_max, std::size_t bytes_max) {
    SELVAGE_TRY(auto rows,
                database.query("SELECT sequence, message_id, on_success, on_failure, enqueued, expires, delivery_count, record"
                               " FROM mails WHERE device_id=? AND generation_id=? AND expires>? ORDER BY sequence",
                               {address.device_id, address.generation_id, milliseconds_of(now)}));
    std::vector<Mail> mails;
    std::size_t bytes = 0;
    while (mails.size() < mails_max && (mails.empty() || bytes < bytes_max)) {
        SELVAGE_TRY(const bool found, rows.next());
        if (!found) break;
        if (held.contains(rows.integer(0))) continue;
        Mail mail;
        mail.sequence = rows.integer(0);
        mail.message_id = rows.text(1);
        mail.feedback_on_success = rows.flag(2);
        mail.feedback_on_failure = rows.flag(3);
        mail.enqueued = time_of(rows.integer(4));
        mail.expires = time_of(rows.integer(5));
        mail.delivery_count = static_cast<std::uint32_t>(rows.integer(6));
        mail.record = rows.text(7);
        bytes += mail.record.size();
        mails.push_back(std::move(mail));
    }
    return mails;
}

Result<std::int64_t> count_mails(Database& database, const MailboxAddress& address) {
    SELVAGE_TRY(auto rows, database.query("SELECT count(*) FROM mails WHERE device_id=? AND generation_id=?",
                                          {address.device_id, address.generation_id}));
    SELVAGE_CHECK(rows.next());
    return rows.integer(0);
}

Result<bool> end_mail(Database& database, std::int64_t sequence, MailEnd end, UtcTime now, std::int64_t feedback_max) {
    SELVAGE_CHECK(record_feedback(database, sequence, end, now, feedback_max));
    SELVAGE_CHECK(database.run("DELETE FROM mails WHERE sequence=?", {sequence}));
    return database.changed_rows() > 0;
}

Result<bool> abandon_mail(Database& database, std::int64_t sequence, std::uint32_t deliveries_max, UtcTime now,
                          std::int64_t feedback_max) {
    SELVAGE_CHECK(database.run("UPDATE mails SET delivery_count=delivery_count+1 WHERE sequence=?", {sequence}));
    SELVAGE_TRY(const bool often, database.exists("SELECT 1 FROM mails WHERE sequence=? AND delivery_count>=?",
                                                  {sequence, std::int64_t{deliveries_max}}));
    if (often) return end_mail(database, sequence, MailEnd::delivery_count_exceeded, now, feedback_max);
    SELVAGE_TRY(const bool there, is_there(database, sequence));
    return !there;
}

Result<std::int64_t> purge_mails(Database& database, const MailboxAddress& address, UtcTime now, std::int64_t feedback_max) {
    std::vector<std::int64_t> sequences;
    {
        SELVAGE_TRY(auto rows,
                    database.query("SELECT sequence FROM mails WHERE device_id=? AND generation_id=? ORDER BY sequence",
                                   {address.device_id, address.generation_id}));
        for (;;) {
            SELVAGE_TRY(const bool found, rows.next());
            if (!found) break;
            sequences.push_back(rows.integer(0));
        }
    }
    for (const auto sequence : sequences)
        SELVAGE_CHECK(end_mail(database, sequence, MailEnd::purged, now, feedback_max));
    return static_cast<std::int64_t>(sequences.size());
}

Result<> remove_mails(Database& database, const std::string& device_id) {
    SELVAGE_CHECK(database.run("DELETE FROM mails WHERE device_id=?", {device_id}));
    return database.run("DELETE FROM feedback WHERE device_id=?", {device_id});
}

Result<std::vector<MailPlace>> expired_mails(Database& database, UtcTime now, std::size_t most) {
    SELVAGE_TRY(auto rows, database.query("SELECT device_id, generation_id, sequence FROM mails WHERE expires<=?"
                                          " ORDER BY expires, sequence LIMIT ?",
                                          {milliseconds_of(now), static_cast<std::int64_t>(most)}));
    std::vector<MailPlace> places;
    for (;;) {
        SELVAGE_TRY(const bool found, rows.next());
        if (!found) return places;
        places.push_back({.address = {.device_id = rows.text(0), .generation_id = rows.text(1)},
                          .sequence = rows.integer(2)});
    }
}

Result<std::optional<UtcTime>> next_mail_expiry(Database& database, UtcTime now) {
    SELVAGE_TRY(auto rows, database.query("SELECT expires FROM mails WHERE expires>? ORDER BY expires LIMIT 1",
                                          {milliseconds_of(now)}));
    SELVAGE_TRY(const bool found, rows.next());
    return found ? std::optional(time_of(rows.integer(0))) : std::nullopt;
}

Result<std::vector<FeedbackRecord>> read_feedback(Database& database, const std::set<std::int64_t>& held, UtcTime since,
                                                  std::size_t most) {
    SELVAGE_CHECK(database.run("DELETE FROM feedback WHERE happened<?", {milliseconds_of(since)}));
    SELVAGE_TRY(auto rows,
                database.query("SELECT id, message_id, device_id, generation_id, happened, outcome, delivery_count"
                               " FROM feedback ORDER BY id"));
    std::vector<FeedbackRecord> records;
    while (records.size() < most) {
        SELVAGE_TRY(const bool found, rows.next());
        if (!found) break;
        if (held.contains(rows.integer(0))) continue;
        records.push_back({.id = rows.integer(0),
                           .message_id = rows.text(1),
                           .address = {.device_id = rows.text(2), .generation_id = rows.text(3)},
                           .when = time_of(rows.integer(4)),
                           .end = static_cast<MailEnd>(rows.integer(5)),
                           .delivery_count = static_cast<std::uint32_t>(rows.integer(6))});
    }
    return records;
}

Result<> remove_feedback(Database& database, const std::vector<std::int64_t>& ids) {
    for (const auto id : ids) SELVAGE_CHECK(database.run("DELETE FROM feedback WHERE id=?", {id}));
    return {};
}

Result<> abandon_feedback(Database& database, const std::vector<std::int64_t>& ids, std::uint32_t deliveries_max) {
    for (const auto id : ids) {
        SELVAGE_CHECK(database.run("UPDATE feedback SET delivery_count=delivery_count+1 WHERE id=?", {id}));
        SELVAGE_CHECK(database.run("DELETE FROM feedback WHERE id=? AND delivery_count>=?", {id, std::int64_t{deliveries_max}}));
    }
    return {};
}

}  // namespace selvage::storage::sqlite
