// The mailboxes as operations on the store's thread; what each does to the rows is in mailbox_rows.h.
#include "storage/sqlite/mailbox_rows.h"
#include "storage/sqlite/sqlite_stores.h"
#include "storage/sqlite/store_thread.h"

namespace selvage::storage {
namespace {

using async::Awaitable;
using sqlite::Access;
using sqlite::Database;

// Times are milliseconds since 1970; `outcome` is the number of MailEnd. AUTOINCREMENT: numbers are never used again.
constexpr const char* kMigrations[] = {
    // 0 to 1
    "CREATE TABLE mails("
    "  sequence INTEGER PRIMARY KEY AUTOINCREMENT, device_id TEXT NOT NULL, generation_id TEXT NOT NULL,"
    "  message_id TEXT NOT NULL, on_success INTEGER NOT NULL, on_failure INTEGER NOT NULL, enqueued INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL, delivery_count INTEGER NOT NULL, record BLOB NOT NULL) STRICT;"
    "CREATE INDEX mails_by_device ON mails(device_id, generation_id, sequence);"
    "CREATE INDEX mails_by_expiry ON mails(expires);"
    "CREATE TABLE feedback("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL, device_id TEXT NOT NULL,"
    "  generation_id TEXT NOT NULL, happened INTEGER NOT NULL, outcome INTEGER NOT NULL,"
    "  delivery_count INTEGER NOT NULL) STRICT;"
    "CREATE INDEX feedback_by_time ON feedback(happened);"
    "CREATE INDEX feedback_by_device ON feedback(device_id);",
};
constexpr sqlite::Schema kSchema{.name = "mailbox store", .application_id = 0x53566d62 /* "SVmb" */, .migrations = kMigrations};

class SqliteMailboxStore final : public MailboxStore {
public:
    SqliteMailboxStore(std::unique_ptr<Database> database, const SqliteSettings& settings, std::size_t feedback_max)
        : thread_("mailbox-store", std::move(database), settings.queued_max, settings.worker), feedback_max_(static_cast<std::int64_t>(feedback_max)) {}

    Awaitable<Result<std::int64_t>> put(MailboxAddress address, Mail mail, std::size_t depth_max) override {
        return thread_.run(Access::write, [address = std::move(address), mail = std::move(mail), depth_max](Database& database) {
            return sqlite::put_mail(database, address, mail, depth_max);
        });
    }
    Awaitable<Result<std::vector<Mail>>> next(MailboxAddress address, std::set<std::int64_t> held, UtcTime now,
                                              std::size_t mails_max, std::size_t bytes_max) override {
        return thread_.run(Access::read, [address = std::move(address), held = std::move(held), now, mails_max,
                                          bytes_max](Database& database) {
            return sqlite::next_mails(database, address, held, now, mails_max, bytes_max);
        });
    }
    Awaitable<Result<std::int64_t>> count(MailboxAddress address) override {
        return thread_.run(Access::read, [address = std::move(address)](Database& database) {
            return sqlite::count_mails(database, address);
        });
    }

    Awaitable<Result<bool>> end(std::int64_t sequence, MailEnd end, UtcTime now) override {
        return thread_.run(Access::write, [sequence, end, now, most = feedback_max_](Database& database) {
            return sqlite::end_mail(database, sequence, end, now, most);
        });
    }
    Awaitable<Result<bool>> abandon(std::int64_t sequence, std::uint32_t deliveries_max, UtcTime now) override {
        return thread_.run(Access::write, [sequence, deliveries_max, now, most = feedback_max_](Database& database) {
            return sqlite::abandon_mail(database, sequence, deliveries_max, now, most);
        });
    }
    Awaitable<Result<std::int64_t>> purge(MailboxAddress address, UtcTime now) override {
        return thread_.run(Access::write, [address = std::move(address), now, most = feedback_max_](Database& database) {
            return sqlite::purge_mails(database, address, now, most);
        });
    }
    Awaitable<Result<>> remove(std::string device_id) override {
        return thread_.run(Access::write, [id = std::move(device_id)](Database& database) {
            return sqlite::remove_mails(database, id);
        });
    }

    Awaitable<Result<std::vector<MailPlace>>> expired(UtcTime now, std::size_t most) override {
        return thread_.run(Access::read, [now, most](Database& database) {
            return sqlite::expired_mails(database, now, most);
        });
    }
    Awaitable<Result<std::optional<UtcTime>>> next_expiry(UtcTime now) override {
        return thread_.run(Access::read, [now](Database& database) { return sqlite::next_mail_expiry(database, now); });
    }

    Awaitable<Result<std::vector<FeedbackRecord>>> feedback(std::set<std::int64_t> held, UtcTime since,
                                                            std::size_t most) override {
        return thread_.run(Access::write, [held = std::move(held), since, most](Database& database) {
            return sqlite::read_feedback(database, held, since, most);
        });
    }
    Awaitable<Result<>> remove_feedback(std::vector<std::int64_t> ids) override {
        return thread_.run(Access::write, [ids = std::move(ids)](Database& database) {
            return sqlite::remove_feedback(database, ids);
        });
    }
    Awaitable<Result<>> abandon_feedback(std::vector<std::int64_t> ids, std::uint32_t deliveries_max) override {
        return thread_.run(Access::write, [ids = std::move(ids), deliveries_max](Database& database) {
            return sqlite::abandon_feedback(database, ids, deliveries_max);
        });
    }

    Awaitable<> stop() override { return thread_.stop(); }

private:
    sqlite::StoreThread thread_;
    std::int64_t feedback_max_;
};

}  // namespace

Result<std::unique_ptr<MailboxStore>> open_sqlite_mailbox_store(SqliteSettings settings, std::size_t feedback_max) {
    SELVAGE_TRY(auto database, Database::open(settings, kSchema));
    return std::make_unique<SqliteMailboxStore>(std::move(database), settings, feedback_max);
}

}  // namespace selvage::storage
