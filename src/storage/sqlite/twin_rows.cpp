#include <fmt/core.h>

#include "base/json.h"
#include "storage/sqlite/registry_rows.h"

namespace selvage::storage::sqlite {
namespace {

// Above what any limit lets in, so that what was stored can be read after limits were lowered.
constexpr std::size_t kDepthMax = 1000;

Error in_twin_of(const domain::Identity& identity, const Error& error) {
    return Error{Errc::corrupt, error.detail}.in(fmt::format("the registry's twin of '{}'", domain::to_text(identity)));
}

}  // namespace

Result<> insert_twin(Database& database, const domain::Identity& identity, UtcTime now) {
    return database.run("INSERT INTO twins(device_id, module_id, document) VALUES(?, ?, ?)",
                        {identity.device, identity.module, to_text(domain::to_json(domain::new_twin(now)))});
}

Result<domain::Twin> read_twin(Database& database, const domain::Identity& identity) {
    SELVAGE_TRY(auto rows, database.query("SELECT document FROM twins WHERE device_id=? AND module_id=?",
                                          {identity.device, identity.module}));
    SELVAGE_TRY(const bool found, rows.next());
    if (!found) {
        SELVAGE_CHECK(expect_identity(database, identity));
        return fail(in_twin_of(identity, {Errc::corrupt, "is missing"}));
    }
    const auto document = parse_json_object(rows.text(0), kDepthMax);
    if (!document) return fail(in_twin_of(identity, document.error()));
    auto twin = domain::twin_from_json(*document);
    if (!twin) return fail(in_twin_of(identity, twin.error()));
    return twin;
}

Result<domain::Twin> change_twin(Database& database, const domain::Identity& identity, const Change<domain::Twin>& change) {
    SELVAGE_TRY(const auto current, read_twin(database, identity));
    SELVAGE_TRY(auto next, change(current));
    SELVAGE_CHECK(database.run("UPDATE twins SET document=? WHERE device_id=? AND module_id=?",
                               {to_text(domain::to_json(next)), identity.device, identity.module}));
    return next;
}

Result<ConnectionRecord> read_connection(Database& database, const domain::Identity& identity) {
    SELVAGE_TRY(auto rows, database.query("SELECT connected, connected_changed, last_activity, model_id FROM connections"
                                          " WHERE device_id=? AND module_id=?",
                                          {identity.device, identity.module}));
    SELVAGE_TRY(const bool found, rows.next());
    if (found) return ConnectionRecord{rows.flag(0), time_of(rows.integer(1)), time_of(rows.integer(2)), rows.text(3)};
    SELVAGE_CHECK(expect_identity(database, identity));
    return ConnectionRecord{};
}

Result<> write_connection(Database& database, const domain::Identity& identity, const ConnectionRecord& record) {
    SELVAGE_CHECK(expect_identity(database, identity));
    return database.run("INSERT INTO connections(device_id, module_id, connected, connected_changed, last_activity, model_id)"
                        " VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(device_id, module_id) DO UPDATE SET"
                        " connected=excluded.connected, connected_changed=excluded.connected_changed,"
                        " last_activity=excluded.last_activity,"
                        " model_id=CASE excluded.model_id WHEN '' THEN model_id ELSE excluded.model_id END",
                        {identity.device, identity.module, std::int64_t{record.connected},
                         milliseconds_of(record.connected_changed), milliseconds_of(record.last_activity),
                         record.model_id});
}

Result<> write_connections(Database& database, const std::vector<std::pair<domain::Identity, ConnectionRecord>>& records) {
    for (const auto& [identity, record] : records) {
        const auto written = write_connection(database, identity, record);
        const bool gone = !written && (written.error().code == Errc::device_not_found || written.error().code == Errc::module_not_found);
        if (!written && !gone) return written;
    }
    return {};
}

}  // namespace selvage::storage::sqlite
