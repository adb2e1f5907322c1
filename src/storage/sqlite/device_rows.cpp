#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "storage/sqlite/registry_rows.h"

namespace selvage::storage::sqlite {
namespace {

// Parent scopes are in a table of their own, so that the children of an edge device are found by index.
#define SELVAGE_DEVICE_COLUMNS                                                                                   \
    "device_id, generation_id, etag, enabled, status_reason, status_updated, iot_edge, device_scope, " \
    SELVAGE_AUTHENTICATION_COLUMNS

Result<DeviceRecord> read_row(Database& database, const Query& row) {
    DeviceRecord device;
    device.device_id = row.text(0);
    device.generation_id = row.text(1);
    device.etag_counter = static_cast<std::uint64_t>(row.integer(2));
    device.enabled = row.flag(3);
    device.status_reason = row.text(4);
    device.status_updated = time_of(row.integer(5));
    device.iot_edge = row.flag(6);
    device.device_scope = row.text(7);
    device.authentication = read_authentication(row, 8);

    SELVAGE_TRY(auto scopes, database.query("SELECT scope FROM device_parents WHERE device_id=? ORDER BY position",
                                            {device.device_id}));
    for (;;) {
        SELVAGE_TRY(const bool found, scopes.next());
        if (!found) return device;
        device.parent_scopes.push_back(scopes.text(0));
    }
}

Result<std::vector<DeviceRecord>> read_rows(Database& database, Query rows) {
    std::vector<DeviceRecord> devices;
    for (;;) {
        SELVAGE_TRY(const bool found, rows.next());
        if (!found) return devices;
        SELVAGE_TRY(auto device, read_row(database, rows));
        devices.push_back(std::move(device));
    }
}

Result<> write_parents(Database& database, const DeviceRecord& device) {
    SELVAGE_CHECK(database.run("DELETE FROM device_parents WHERE device_id=?", {device.device_id}));
    std::int64_t position = 0;
    for (const std::string& scope : device.parent_scopes)
        SELVAGE_CHECK(database.run("INSERT INTO device_parents(device_id, position, scope) VALUES(?, ?, ?)",
                                   {device.device_id, position++, scope}));
    return {};
}

Result<> write_row(Database& database, std::string_view sql, const DeviceRecord& device) {
    const Authentication& authentication = device.authentication;
    return database.run(sql, {device.device_id, device.generation_id, static_cast<std::int64_t>(device.etag_counter),
                              std::int64_t{device.enabled}, device.status_reason, milliseconds_of(device.status_updated),
                              std::int64_t{device.iot_edge}, device.device_scope,
                              static_cast<std::int64_t>(authentication.type), authentication.primary_key,
                              authentication.secondary_key, authentication.primary_thumbprint,
                              authentication.secondary_thumbprint});
}

}  // namespace

std::unexpected<Error> no_such_device(const std::string& device_id) {
    return fail(Errc::device_not_found, fmt::format("device '{}' is not registered", device_id));
}

Authentication read_authentication(const Query& row, int first_column) {
    Authentication authentication;
    authentication.type = static_cast<AuthenticationType>(row.integer(first_column));
    authentication.primary_key = row.text(first_column + 1);
    authentication.secondary_key = row.text(first_column + 2);
    authentication.primary_thumbprint = row.text(first_column + 3);
    authentication.secondary_thumbprint = row.text(first_column + 4);
    return authentication;
}

Result<> expect_device(Database& database, const std::string& device_id) {
    SELVAGE_TRY(const bool there, database.exists("SELECT 1 FROM devices WHERE device_id=?", {device_id}));
    if (!there) return no_such_device(device_id);
    return {};
}

Result<DeviceRecord> read_device(Database& database, const std::string& device_id) {
    SELVAGE_TRY(auto rows, database.query("SELECT " SELVAGE_DEVICE_COLUMNS " FROM devices WHERE device_id=?", {device_id}));
    SELVAGE_TRY(const bool found, rows.next());
    if (!found) return no_such_device(device_id);
    return read_row(database, rows);
}

Result<std::vector<DeviceRecord>> read_devices(Database& database, const std::string& after, std::size_t limit) {
    const auto rows_max = static_cast<std::int64_t>(
        std::min<std::size_t>(limit, static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max())));
    SELVAGE_TRY(auto rows, database.query("SELECT " SELVAGE_DEVICE_COLUMNS
                                          " FROM devices WHERE device_id>? ORDER BY device_id LIMIT ?",
                                          {after, rows_max}));
    return read_rows(database, std::move(rows));
}

Result<std::vector<DeviceRecord>> read_devices_in_scope(Database& database, const std::string& scope) {
    if (scope.empty()) return std::vector<DeviceRecord>{};  // no scope is nobody's, not everybody's
    SELVAGE_TRY(auto rows, database.query("SELECT " SELVAGE_DEVICE_COLUMNS " FROM devices WHERE device_id IN ("
                                          " SELECT device_id FROM devices"
                                          "  WHERE device_scope=?1 AND device_scope<>'' AND NOT iot_edge"
                                          " UNION"
                                          " SELECT p.device_id FROM device_parents p JOIN devices d USING(device_id)"
                                          "  WHERE p.scope=?1 AND d.iot_edge"
                                          ") ORDER BY device_id",
                                          {scope}));
    return read_rows(database, std::move(rows));
}

Result<> insert_device(Database& database, const DeviceRecord& device, const std::vector<ModuleRecord>& modules,
                       UtcTime now) {
    SELVAGE_TRY(const bool there, database.exists("SELECT 1 FROM devices WHERE device_id=?", {device.device_id}));
    if (there) return fail(Errc::already_exists, fmt::format("device '{}' is registered already", device.device_id));
    SELVAGE_CHECK(write_row(database,
                            "INSERT INTO devices(" SELVAGE_DEVICE_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)", device));
    SELVAGE_CHECK(write_parents(database, device));
    SELVAGE_CHECK(insert_twin(database, domain::Identity::of_device(device.device_id), now));
    for (ModuleRecord module : modules) {
        module.device_id = device.device_id;
        SELVAGE_CHECK(insert_module(database, module, now));
    }
    return {};
}

Result<DeviceRecord> change_device(Database& database, const std::string& device_id, const Change<DeviceRecord>& change) {
    SELVAGE_TRY(const auto current, read_device(database, device_id));
    SELVAGE_TRY(auto next, change(current));
    next.device_id = current.device_id;
    next.etag_counter = current.etag_counter + 1;
    SELVAGE_CHECK(write_row(database,
                            "UPDATE devices SET (" SELVAGE_DEVICE_COLUMNS
                            ")=(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13) WHERE device_id=?1",
                            next));
    if (next.parent_scopes != current.parent_scopes) SELVAGE_CHECK(write_parents(database, next));
    return next;
}

Result<> delete_device(Database& database, const std::string& device_id, std::optional<std::uint64_t> if_etag) {
    SELVAGE_TRY(const auto current, read_device(database, device_id));
    if (if_etag && *if_etag != current.etag_counter)
        return fail(Errc::precondition_failed, fmt::format("device '{}' was changed meanwhile", device_id));
    return database.run("DELETE FROM devices WHERE device_id=?", {device_id});
}

}  // namespace selvage::storage::sqlite
