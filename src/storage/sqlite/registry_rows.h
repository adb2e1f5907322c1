// The registry's rows: what each operation does inside a transaction. One file a noun: device_rows.cpp, module_rows.cpp,
// twin_rows.cpp (twins and connections).
//
// Runs on: the store's thread. A write that fails may leave part of itself behind; the caller's savepoint undoes it.
#pragma once

#include "storage/registry_store.h"
#include "storage/sqlite/database.h"

namespace selvage::storage::sqlite {

// The columns of Authentication, as both tables of identities name them, in the order of read_authentication.
#define SELVAGE_AUTHENTICATION_COLUMNS \
    "authentication, primary_key, secondary_key, primary_thumbprint, secondary_thumbprint"
Authentication read_authentication(const Query& row, int first_column);

// ---- devices -------------------------------------------------------------------------------------------------------

Result<DeviceRecord> read_device(Database& database, const std::string& device_id);
Result<std::vector<DeviceRecord>> read_devices(Database& database, const std::string& after, std::size_t limit);
Result<std::vector<DeviceRecord>> read_devices_in_scope(Database& database, const std::string& scope);
Result<> insert_device(Database& database, const DeviceRecord& device, const std::vector<ModuleRecord>& modules,
                       UtcTime now);
Result<DeviceRecord> change_device(Database& database, const std::string& device_id, const Change<DeviceRecord>& change);
Result<> delete_device(Database& database, const std::string& device_id, std::optional<std::uint64_t> if_etag);
// Errors: device_not_found.
Result<> expect_device(Database& database, const std::string& device_id);

// ---- modules -------------------------------------------------------------------------------------------------------

Result<ModuleRecord> read_module(Database& database, const domain::Identity& identity);
Result<std::vector<ModuleRecord>> read_modules(Database& database, const std::string& device_id);
// With a new twin; the device exists.
Result<> insert_module(Database& database, const ModuleRecord& module, UtcTime now);
Result<> create_module(Database& database, const ModuleRecord& module, UtcTime now, std::size_t modules_max);
Result<ModuleRecord> change_module(Database& database, const domain::Identity& identity,
                                   const Change<ModuleRecord>& change);
Result<> delete_module(Database& database, const domain::Identity& identity, std::optional<std::uint64_t> if_etag);

// ---- twins and connections -----------------------------------------------------------------------------------------

Result<> insert_twin(Database& database, const domain::Identity& identity, UtcTime now);
Result<domain::Twin> read_twin(Database& database, const domain::Identity& identity);
Result<domain::Twin> change_twin(Database& database, const domain::Identity& identity, const Change<domain::Twin>& change);
Result<ConnectionRecord> read_connection(Database& database, const domain::Identity& identity);
Result<> write_connection(Database& database, const domain::Identity& identity, const ConnectionRecord& record);
Result<> write_connections(Database& database, const std::vector<std::pair<domain::Identity, ConnectionRecord>>& records);

// Errors: device_not_found, module_not_found.
std::unexpected<Error> no_such_device(const std::string& device_id);
Result<> expect_identity(Database& database, const domain::Identity& identity);

inline std::int64_t milliseconds_of(UtcTime time) { return time.time_since_epoch().count(); }
inline UtcTime time_of(std::int64_t milliseconds) { return UtcTime(std::chrono::milliseconds(milliseconds)); }

}  // namespace selvage::storage::sqlite
