#include "storage/sqlite/database.h"
#include "storage/sqlite/sqlite_stores.h"
#include "storage/sqlite/store_thread.h"

namespace selvage::storage {
namespace {

using async::Awaitable;
using sqlite::Access;
using sqlite::Bytes;
using sqlite::Database;

constexpr const char* kMigrations[] = {
    // 0 to 1
    "CREATE TABLE entries("
    "  bucket BLOB NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY(bucket, key)) STRICT;",
};
constexpr sqlite::Schema kSchema{.name = "state store", .application_id = 0x53566b73 /* "SVks" */, .migrations = kMigrations};

class SqliteStateStore final : public StateStore {
public:
    SqliteStateStore(std::unique_ptr<Database> database, const SqliteSettings& settings)
        : thread_("state-store", std::move(database), settings.queued_max, settings.worker) {}

    Awaitable<Result<std::optional<std::string>>> get(std::string bucket, std::string key) override {
        return thread_.run(Access::read, [bucket = std::move(bucket), key = std::move(key)](Database& database)
                                             -> Result<std::optional<std::string>> {
            SELVAGE_TRY(auto rows, database.query("SELECT value FROM entries WHERE bucket=? AND key=?",
                                                  {Bytes{bucket}, Bytes{key}}));
            SELVAGE_TRY(const bool found, rows.next());
            return found ? std::optional(rows.text(0)) : std::nullopt;
        });
    }

    Awaitable<Result<std::vector<std::pair<std::string, std::string>>>> list(std::string bucket) override {
        return thread_.run(Access::read, [bucket = std::move(bucket)](Database& database)
                                             -> Result<std::vector<std::pair<std::string, std::string>>> {
            SELVAGE_TRY(auto rows, database.query("SELECT key, value FROM entries WHERE bucket=? ORDER BY key",
                                                  {Bytes{bucket}}));
            std::vector<std::pair<std::string, std::string>> entries;
            for (;;) {
                SELVAGE_TRY(const bool found, rows.next());
                if (!found) return entries;
                entries.emplace_back(rows.text(0), rows.text(1));
            }
        });
    }

    Awaitable<Result<>> put(std::string bucket, std::string key, std::string value) override {
        return thread_.run(Access::write, [bucket = std::move(bucket), key = std::move(key),
                                           value = std::move(value)](Database& database) {
            return database.run("INSERT INTO entries(bucket, key, value) VALUES(?, ?, ?)"
                                " ON CONFLICT(bucket, key) DO UPDATE SET value=excluded.value",
                                {Bytes{bucket}, Bytes{key}, Bytes{value}});
        });
    }

    Awaitable<Result<>> erase(std::string bucket, std::string key) override {
        return thread_.run(Access::write, [bucket = std::move(bucket), key = std::move(key)](Database& database) {
            return database.run("DELETE FROM entries WHERE bucket=? AND key=?", {Bytes{bucket}, Bytes{key}});
        });
    }

    Awaitable<> stop() override { return thread_.stop(); }

private:
    sqlite::StoreThread thread_;
};

}  // namespace

Result<std::unique_ptr<StateStore>> open_sqlite_state_store(SqliteSettings settings) {
    SELVAGE_TRY(auto database, Database::open(settings, kSchema));
    return std::make_unique<SqliteStateStore>(std::move(database), settings);
}

}  // namespace selvage::storage
