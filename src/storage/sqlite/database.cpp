// Opening goes from harmless to harmful: make the file private, look at who made it, and only when it is ours (or empty)
// switch it to WAL and migrate. A file that is refused is left as it was.
#include "storage/sqlite/database.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace selvage::storage::sqlite {
namespace {

constexpr int kBusyTimeoutMilliseconds = 5000;
constexpr std::size_t kPageBytes = 4096;
// The write-ahead log goes back into the file after this many pages (1 MiB), and its file is cut back to that size.
constexpr int kCheckpointPages = 256;

Error error_of(int code, const char* words, const std::string& path) {
    switch (code & 0xff) {
        case SQLITE_FULL:
            return {Errc::quota_exceeded, fmt::format("'{}' cannot grow: the disk or the store's own limit is full", path)};
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return {Errc::corrupt, fmt::format("'{}' is damaged or is no database: {}", path, words)};
        case SQLITE_CONSTRAINT:
            return {Errc::already_exists, fmt::format("'{}': {}", path, words)};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {Errc::unavailable, fmt::format("'{}' is held by another process: {}", path, words)};
        case SQLITE_TOOBIG:
            return {Errc::invalid_argument, fmt::format("'{}': a value is too large to store", path)};
        case SQLITE_ERROR:
        case SQLITE_MISUSE:
        case SQLITE_RANGE:
        case SQLITE_NOMEM:
            return {Errc::internal, fmt::format("'{}': {}", path, words)};
        default:
            return {Errc::io_error, fmt::format("'{}': {} (SQLite {})", path, words, code)};
    }
}

Error error_of(sqlite3* handle, const std::string& path) {
    return error_of(sqlite3_extended_errcode(handle), sqlite3_errmsg(handle), path);
}

Result<> sync_folder_of(const std::string& path) {
    auto folder = std::filesystem::path(path).parent_path().string();
    if (folder.empty()) folder = ".";
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail(from_errno(fmt::format("open '{}'", folder), errno));
    const int synced = ::fsync(fd);
    const int error = errno;
    ::close(fd);
    if (synced != 0) return fail(from_errno(fmt::format("sync '{}'", folder), error));
    return {};
}

// The file before SQLite sees it, readable by its owner alone whatever the umask; SQLite gives -wal and -shm the same mode.
Result<> make_private_file(const std::string& path) {
    const bool existed = ::access(path.c_str(), F_OK) == 0;
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return fail(from_errno(fmt::format("open '{}'", path), errno));
    const int changed = ::fchmod(fd, 0600);
    const int error = errno;
    ::close(fd);
    if (changed != 0) return fail(from_errno(fmt::format("make '{}' private", path), error));
    return existed ? Result<>{} : sync_folder_of(path);
}

struct BindValue {
    sqlite3_stmt* statement;
    int index;

    int operator()(std::int64_t value) const { return sqlite3_bind_int64(statement, index, value); }
    // An empty view may have no address, which SQLite would take for NULL.
    int operator()(std::string_view value) const {
        return sqlite3_bind_text64(statement, index, value.empty() ? "" : value.data(), value.size(), SQLITE_TRANSIENT,
                                   SQLITE_UTF8);
    }
    int operator()(Bytes bytes) const {
        return sqlite3_bind_blob64(statement, index, bytes.value.empty() ? "" : bytes.value.data(), bytes.value.size(),
                                   SQLITE_TRANSIENT);
    }
};

}  // namespace

// ---- statements ----------------------------------------------------------------------------------------------------

Query::Query(Query&& other) noexcept : path_(other.path_), statement_(std::exchange(other.statement_, nullptr)) {}

Query::~Query() {
    if (statement_ == nullptr) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

Result<bool> Query::next() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return fail(error_of(sqlite3_db_handle(statement_), path_));
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Query::text(int column) const {
    const void* bytes = sqlite3_column_blob(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

Result<Query> Database::query(std::string_view sql, std::initializer_list<Value> values) {
    sqlite3_stmt*& statement = statements_[sql];
    if (statement == nullptr && sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                                   SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
        return fail(error_of(handle_, path_));
    Query query(path_, statement);
    int index = 0;
    for (const Value& value : values)
        if (std::visit(BindValue{statement, ++index}, value) != SQLITE_OK) return fail(error_of(handle_, path_));
    return query;
}

Result<> Database::run(std::string_view sql, std::initializer_list<Value> values) {
    SELVAGE_TRY(Query statement, query(sql, values));
    SELVAGE_CHECK(statement.next());
    return {};
}

Result<bool> Database::exists(std::string_view sql, std::initializer_list<Value> values) {
    SELVAGE_TRY(Query statement, query(sql, values));
    return statement.next();
}

std::int64_t Database::changed_rows() const { return sqlite3_changes64(handle_); }

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

// ---- opening -------------------------------------------------------------------------------------------------------

Database::~Database() {
    for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    sqlite3_close(handle_);
}

Result<std::unique_ptr<Database>> Database::open(const SqliteSettings& settings, const Schema& schema) {
    SELVAGE_CHECK(make_private_file(settings.path));
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(settings.path.c_str(), &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    if (handle == nullptr) return fail(Errc::io_error, fmt::format("'{}': no memory for a database", settings.path));
    std::unique_ptr<Database> database(new Database(settings.path, handle));
    if (code != SQLITE_OK) return fail(error_of(handle, settings.path));
    sqlite3_busy_timeout(handle, kBusyTimeoutMilliseconds);
    SELVAGE_CHECK(database->check_origin(schema));
    SELVAGE_CHECK(database->configure(settings));
    SELVAGE_CHECK(database->migrate(schema));
    return database;
}

Result<> Database::check_origin(const Schema& schema) {
    SELVAGE_TRY(const std::int64_t application, number("PRAGMA application_id"));
    SELVAGE_TRY(const std::int64_t version, number("PRAGMA user_version"));
    SELVAGE_TRY(const std::int64_t tables, number("SELECT count(*) FROM sqlite_schema"));
    const bool fresh = application == 0 && version == 0 && tables == 0;
    if (fresh) return {};
    if (application != schema.application_id)
        return fail(Errc::corrupt, fmt::format("'{}' is a database, but not a {} of ours; give another path", path_,
                                               schema.name));
    const auto known = static_cast<std::int64_t>(schema.migrations.size());
    if (version > known)
        return fail(Errc::corrupt, fmt::format("'{}' was made by a newer version: its {} has schema {}, this program knows "
                                               "up to {}; start the newer program, or restore a backup from before",
                                               path_, schema.name, version, known));
    if (version < 0) return fail(Errc::corrupt, fmt::format("'{}' has schema {}", path_, version));
    return {};
}

Result<> Database::configure(const SqliteSettings& settings) {
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    SELVAGE_CHECK(execute(fmt::format("PRAGMA page_size={}", kPageBytes)));
    SELVAGE_CHECK(execute("PRAGMA journal_mode=WAL"));
    const std::string pragmas = fmt::format(
        "PRAGMA synchronous=FULL;"         // a commit that returned is on the disk
        "PRAGMA cache_size=-{};"           // KiB
        "PRAGMA mmap_size=0;"              // mapped pages would count as the process's memory, and a bad disk as SIGBUS
        "PRAGMA wal_autocheckpoint={};"
        "PRAGMA journal_size_limit={};"
        "PRAGMA temp_store=MEMORY;"
        "PRAGMA secure_delete=FAST;"       // keys of deleted identities do not stay in the file where that costs nothing
        "PRAGMA foreign_keys=ON;"
        "PRAGMA trusted_schema=OFF;",
        std::max<std::size_t>(settings.page_cache_bytes / 1024, 16), kCheckpointPages,
        static_cast<std::size_t>(kCheckpointPages) * kPageBytes);
    SELVAGE_CHECK(execute(pragmas));
    if (settings.file_bytes_max > 0)
        SELVAGE_CHECK(execute(fmt::format("PRAGMA max_page_count={}", settings.file_bytes_max / kPageBytes)));
    return {};
}

Result<> Database::migrate(const Schema& schema) {
    SELVAGE_TRY(std::int64_t version, number("PRAGMA user_version"));
    const auto known = static_cast<std::int64_t>(schema.migrations.size());
    if (version == known) return {};
    std::string sql = "BEGIN IMMEDIATE;";
    for (; version < known; ++version) sql += schema.migrations[static_cast<std::size_t>(version)];
    sql += fmt::format("PRAGMA application_id={}; PRAGMA user_version={}; COMMIT;", schema.application_id, known);
    auto migrated = execute(sql);
    if (!migrated && in_transaction()) ignore(execute("ROLLBACK"), "the first error is the one to report");
    return migrated;
}

Result<> Database::execute(const std::string& sql) {
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    return fail(error_of(handle_, path_));
}

Result<std::int64_t> Database::number(const std::string& pragma) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_, pragma.c_str(), -1, &statement, nullptr) != SQLITE_OK)
        return fail(error_of(handle_, path_));
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owner(statement, &sqlite3_finalize);
    if (sqlite3_step(statement) != SQLITE_ROW) return fail(error_of(handle_, path_));
    return sqlite3_column_int64(statement, 0);
}

}  // namespace selvage::storage::sqlite
