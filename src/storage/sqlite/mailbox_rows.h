// The mailboxes' rows: what each operation does inside a transaction.
//
// Runs on: the store's thread. A write that fails may leave part of itself behind; the caller's savepoint undoes it.
#pragma once

#include "storage/mailbox_store.h"
#include "storage/sqlite/database.h"

namespace selvage::storage::sqlite {

Result<std::int64_t> put_mail(Database& database, const MailboxAddress& address, const Mail& mail, std::size_t depth_max);
Result<std::vector<Mail>> next_mails(Database& database, const MailboxAddress& address, const std::set<std::int64_t>& held,
                                     UtcTime now, std::size_t mails_max, std::size_t bytes_max);
Result<std::int64_t> count_mails(Database& database, const MailboxAddress& address);
Result<bool> end_mail(Database& database, std::int64_t sequence, MailEnd end, UtcTime now, std::int64_t feedback_max);
Result<bool> abandon_mail(Database& database, std::int64_t sequence, std::uint32_t deliveries_max, UtcTime now,
                          std::int64_t feedback_max);
Result<std::int64_t> purge_mails(Database& database, const MailboxAddress& address, UtcTime now, std::int64_t feedback_max);
Result<> remove_mails(Database& database, const std::string& device_id);
Result<std::vector<MailPlace>> expired_mails(Database& database, UtcTime now, std::size_t most);
Result<std::optional<UtcTime>> next_mail_expiry(Database& database, UtcTime now);

Result<std::vector<FeedbackRecord>> read_feedback(Database& database, const std::set<std::int64_t>& held, UtcTime since,
                                                  std::size_t most);
Result<> remove_feedback(Database& database, const std::vector<std::int64_t>& ids);
Result<> abandon_feedback(Database& database, const std::vector<std::int64_t>& ids, std::uint32_t deliveries_max);

}  // namespace selvage::storage::sqlite
