// One SQLite file: opened, checked to be ours, brought to the current schema; then statements and errors as values.
//
// Runs on: one thread at a time (opened at start-up, then owned by a StoreThread). Statements are prepared once and kept,
// so `sql` is always a literal.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "base/result.h"
#include "storage/sqlite/sqlite_stores.h"

struct sqlite3;
struct sqlite3_stmt;

namespace selvage::storage::sqlite {

// What a kind of file is, and how it came to be what it is now. Append to `migrations`, never change what was released.
struct Schema {
    std::string_view name;                      // "registry": for errors
    std::int32_t application_id = 0;            // in the file's header: tells our files from others'
    std::span<const char* const> migrations;    // the n-th leads from version n to n + 1
};

struct Bytes {
    std::string_view value;
};
// A parameter of a statement: integer, text or bytes. Copied when it is bound.
using Value = std::variant<std::int64_t, std::string_view, Bytes>;

// A statement under way; the destructor makes it ready for the next use. One at a time for each `sql`.
class Query {
public:
    ~Query();
    Query(Query&& other) noexcept;
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;
    Query& operator=(Query&&) = delete;

    // Steps to the next row; false at the end.
    Result<bool> next();
    // Columns of the current row, from 0.
    std::int64_t integer(int column) const;
    bool flag(int column) const { return integer(column) != 0; }
    std::string text(int column) const;

private:
    friend class Database;
    Query(const std::string& path, sqlite3_stmt* statement) : path_(path), statement_(statement) {}
    const std::string& path_;
    sqlite3_stmt* statement_;
};

class Database {
public:
    // Errors: io_error; corrupt (not a database, another program's, made by a newer version, damaged).
    static Result<std::unique_ptr<Database>> open(const SqliteSettings& settings, const Schema& schema);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    // Errors of these and of Query::next: quota_exceeded (disk full), corrupt, already_exists (a unique key), unavailable
    // (another process holds the file), io_error, invalid_argument (over SQLite's own 1 GB). All name the file.
    Result<Query> query(std::string_view sql, std::initializer_list<Value> values = {});
    // Runs a statement that gives no rows to its end.
    Result<> run(std::string_view sql, std::initializer_list<Value> values = {});
    Result<bool> exists(std::string_view sql, std::initializer_list<Value> values);

    // Rows that the last run() touched.
    std::int64_t changed_rows() const;
    // False after SQLite has rolled back by itself, as it may when the disk is full.
    bool in_transaction() const;

private:
    Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
    Result<> check_origin(const Schema& schema);
    Result<> configure(const SqliteSettings& settings);
    Result<> migrate(const Schema& schema);
    Result<> execute(const std::string& sql);
    Result<std::int64_t> number(const std::string& pragma);

    std::string path_;
    sqlite3* handle_;
    std::unordered_map<std::string_view, sqlite3_stmt*> statements_;
};

}  // namespace selvage::storage::sqlite
