#include <fmt/core.h>

#include "storage/sqlite/registry_rows.h"

namespace selvage::storage::sqlite {
namespace {

#define SELVAGE_MODULE_COLUMNS "device_id, module_id, generation_id, etag, managed_by, " SELVAGE_AUTHENTICATION_COLUMNS

ModuleRecord read_row(const Query& row) {
    ModuleRecord module;
    module.device_id = row.text(0);
    module.module_id = row.text(1);
    module.generation_id = row.text(2);
    module.etag_counter = static_cast<std::uint64_t>(row.integer(3));
    module.managed_by = row.text(4);
    module.authentication = read_authentication(row, 5);
    return module;
}

Result<> write_row(Database& database, std::string_view sql, const ModuleRecord& module) {
    const Authentication& authentication = module.authentication;
    return database.run(sql, {module.device_id, module.module_id, module.generation_id,
                              static_cast<std::int64_t>(module.etag_counter), module.managed_by,
                              static_cast<std::int64_t>(authentication.type), authentication.primary_key,
                              authentication.secondary_key, authentication.primary_thumbprint,
                              authentication.secondary_thumbprint});
}

// For a module that was looked for in vain: is it the module or its device that is missing?
std::unexpected<Error> no_such_module(Database& database, const domain::Identity& identity) {
    if (auto device = expect_device(database, identity.device); !device) return fail(std::move(device).error());
    return fail(Errc::module_not_found,
                fmt::format("module '{}' of device '{}' is not registered", identity.module, identity.device));
}

Result<bool> module_exists(Database& database, const domain::Identity& identity) {
    return database.exists("SELECT 1 FROM modules WHERE device_id=? AND module_id=?", {identity.device, identity.module});
}

}  // namespace

Result<> expect_identity(Database& database, const domain::Identity& identity) {
    if (!identity.is_module()) return expect_device(database, identity.device);
    SELVAGE_TRY(const bool there, module_exists(database, identity));
    if (!there) return no_such_module(database, identity);
    return {};
}

Result<ModuleRecord> read_module(Database& database, const domain::Identity& identity) {
    SELVAGE_TRY(auto rows, database.query("SELECT " SELVAGE_MODULE_COLUMNS " FROM modules WHERE device_id=? AND module_id=?",
                                          {identity.device, identity.module}));
    SELVAGE_TRY(const bool found, rows.next());
    if (!found) return no_such_module(database, identity);
    return read_row(rows);
}

Result<std::vector<ModuleRecord>> read_modules(Database& database, const std::string& device_id) {
    SELVAGE_CHECK(expect_device(database, device_id));
    SELVAGE_TRY(auto rows, database.query("SELECT " SELVAGE_MODULE_COLUMNS
                                          " FROM modules WHERE device_id=? ORDER BY module_id",
                                          {device_id}));
    std::vector<ModuleRecord> modules;
    for (;;) {
        SELVAGE_TRY(const bool found, rows.next());
        if (!found) return modules;
        modules.push_back(read_row(rows));
    }
}

Result<> insert_module(Database& database, const ModuleRecord& module, UtcTime now) {
    const auto identity = domain::Identity::of_module(module.device_id, module.module_id);
    SELVAGE_TRY(const bool there, module_exists(database, identity));
    if (there)
        return fail(Errc::already_exists, fmt::format("module '{}' of device '{}' is registered already",
                                                      module.module_id, module.device_id));
    SELVAGE_CHECK(write_row(database, "INSERT INTO modules(" SELVAGE_MODULE_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?)", module));
    return insert_twin(database, identity, now);
}

Result<> create_module(Database& database, const ModuleRecord& module, UtcTime now, std::size_t modules_max) {
    SELVAGE_CHECK(expect_device(database, module.device_id));
    SELVAGE_TRY(const bool there, module_exists(database, domain::Identity::of_module(module.device_id, module.module_id)));
    if (!there) {
        SELVAGE_TRY(auto rows, database.query("SELECT count(*) FROM modules WHERE device_id=?", {module.device_id}));
        SELVAGE_CHECK(rows.next());
        if (static_cast<std::size_t>(rows.integer(0)) >= modules_max)
            return fail(Errc::quota_exceeded, fmt::format("device '{}' has {} modules, at most {}", module.device_id,
                                                          rows.integer(0), modules_max));
    }
    return insert_module(database, module, now);
}

Result<ModuleRecord> change_module(Database& database, const domain::Identity& identity,
                                   const Change<ModuleRecord>& change) {
    SELVAGE_TRY(const auto current, read_module(database, identity));
    SELVAGE_TRY(auto next, change(current));
    next.device_id = current.device_id;
    next.module_id = current.module_id;
    next.etag_counter = current.etag_counter + 1;
    SELVAGE_CHECK(write_row(database,
                            "UPDATE modules SET (" SELVAGE_MODULE_COLUMNS
                            ")=(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10) WHERE device_id=?1 AND module_id=?2",
                            next));
    return next;
}

Result<> delete_module(Database& database, const domain::Identity& identity, std::optional<std::uint64_t> if_etag) {
    SELVAGE_TRY(const auto current, read_module(database, identity));
    if (if_etag && *if_etag != current.etag_counter)
        return fail(Errc::precondition_failed, fmt::format("module '{}' of device '{}' was changed meanwhile",
                                                           identity.module, identity.device));
    // Twins and connections hang on the device, whose own have no module id; so a module's go by name.
    for (const std::string_view sql : {"DELETE FROM twins WHERE device_id=? AND module_id=?",
                                       "DELETE FROM connections WHERE device_id=? AND module_id=?",
                                       "DELETE FROM modules WHERE device_id=? AND module_id=?"})
        SELVAGE_CHECK(database.run(sql, {identity.device, identity.module}));
    return {};
}

}  // namespace selvage::storage::sqlite
