// The embedded stores: SQLite in WAL mode, one file a store, one thread a store, group commit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "async/awaitable.h"
#include "async/worker.h"
#include "storage/mailbox_store.h"
#include "storage/registry_store.h"
#include "storage/state_store.h"

namespace selvage::storage {

struct SqliteSettings {
    std::string path;                       // the database file, mode 0600; its folder exists
    std::size_t page_cache_bytes = 512 * 1024;
    std::size_t queued_max = 10'000;        // operations waiting; past this they fail with throttled
    std::uint64_t file_bytes_max = 0;       // past this writes fail with quota_exceeded; 0: as large as the disk allows
    std::shared_ptr<async::Worker> worker = nullptr;   // does what the thread would do; null: a thread of its own
};

// Open or make, migrate to the current schema. Block (start-up). Errors: io_error, corrupt (not our database, or made by
// a newer version: says which).
Result<std::unique_ptr<StateStore>> open_sqlite_state_store(SqliteSettings settings);
Result<std::unique_ptr<RegistryStore>> open_sqlite_registry_store(SqliteSettings settings);
// `feedback_max`: records kept; past that the oldest go.
Result<std::unique_ptr<MailboxStore>> open_sqlite_mailbox_store(SqliteSettings settings, std::size_t feedback_max = 100'000);

}  // namespace selvage::storage
