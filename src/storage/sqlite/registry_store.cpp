// The registry as operations on the store's thread; what each does to the rows is in registry_rows.h.
#include "storage/sqlite/database.h"
#include "storage/sqlite/registry_rows.h"
#include "storage/sqlite/sqlite_stores.h"
#include "storage/sqlite/store_thread.h"

namespace selvage::storage {
namespace {

using async::Awaitable;
using domain::Identity;
using sqlite::Access;
using sqlite::Database;

// Times are milliseconds since 1970. `authentication` is the number of AuthenticationType. Devices' own twins and
// connections have an empty module_id.
constexpr const char* kMigrations[] = {
    // 0 to 1
    "CREATE TABLE devices("
    "  device_id TEXT PRIMARY KEY, generation_id TEXT NOT NULL, etag INTEGER NOT NULL, enabled INTEGER NOT NULL,"
    "  status_reason TEXT NOT NULL, status_updated INTEGER NOT NULL, iot_edge INTEGER NOT NULL,"
    "  device_scope TEXT NOT NULL, authentication INTEGER NOT NULL, primary_key TEXT NOT NULL,"
    "  secondary_key TEXT NOT NULL, primary_thumbprint TEXT NOT NULL, secondary_thumbprint TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX devices_by_scope ON devices(device_scope) WHERE device_scope<>'';"
    "CREATE TABLE device_parents("
    "  device_id TEXT NOT NULL REFERENCES devices ON DELETE CASCADE, position INTEGER NOT NULL, scope TEXT NOT NULL,"
    "  PRIMARY KEY(device_id, position)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX device_parents_by_scope ON device_parents(scope);"
    "CREATE TABLE modules("
    "  device_id TEXT NOT NULL REFERENCES devices ON DELETE CASCADE, module_id TEXT NOT NULL,"
    "  generation_id TEXT NOT NULL, etag INTEGER NOT NULL, managed_by TEXT NOT NULL,"
    "  authentication INTEGER NOT NULL, primary_key TEXT NOT NULL, secondary_key TEXT NOT NULL,"
    "  primary_thumbprint TEXT NOT NULL, secondary_thumbprint TEXT NOT NULL,"
    "  PRIMARY KEY(device_id, module_id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE twins("
    "  device_id TEXT NOT NULL REFERENCES devices ON DELETE CASCADE, module_id TEXT NOT NULL, document TEXT NOT NULL,"
    "  PRIMARY KEY(device_id, module_id)) STRICT;"
    "CREATE TABLE connections("
    "  device_id TEXT NOT NULL REFERENCES devices ON DELETE CASCADE, module_id TEXT NOT NULL,"
    "  connected INTEGER NOT NULL, connected_changed INTEGER NOT NULL, last_activity INTEGER NOT NULL,"
    "  PRIMARY KEY(device_id, module_id)) STRICT, WITHOUT ROWID;",
    // 1 to 2
    "ALTER TABLE connections ADD COLUMN model_id TEXT NOT NULL DEFAULT '';",
};
constexpr sqlite::Schema kSchema{.name = "registry", .application_id = 0x53567267 /* "SVrg" */, .migrations = kMigrations};

class SqliteRegistryStore final : public RegistryStore {
public:
    SqliteRegistryStore(std::unique_ptr<Database> database, const SqliteSettings& settings)
        : thread_("registry-store", std::move(database), settings.queued_max, settings.worker) {}

    Awaitable<Result<DeviceRecord>> device(std::string device_id) override {
        return thread_.run(Access::read, [id = std::move(device_id)](Database& database) {
            return sqlite::read_device(database, id);
        });
    }
    Awaitable<Result<std::vector<DeviceRecord>>> devices(std::string after, std::size_t limit) override {
        return thread_.run(Access::read, [after = std::move(after), limit](Database& database) {
            return sqlite::read_devices(database, after, limit);
        });
    }
    Awaitable<Result<std::vector<DeviceRecord>>> devices_in_scope(std::string scope) override {
        return thread_.run(Access::read, [scope = std::move(scope)](Database& database) {
            return sqlite::read_devices_in_scope(database, scope);
        });
    }
    Awaitable<Result<>> create_device(DeviceRecord device, std::vector<ModuleRecord> modules, UtcTime now) override {
        ++changes_;
        return thread_.run(Access::write,
                           [device = std::move(device), modules = std::move(modules), now](Database& database) {
                               return sqlite::insert_device(database, device, modules, now);
                           });
    }
    Awaitable<Result<DeviceRecord>> change_device(std::string device_id, Change<DeviceRecord> change) override {
        ++changes_;
        return thread_.run(Access::write, [id = std::move(device_id), change = std::move(change)](Database& database) {
            return sqlite::change_device(database, id, change);
        });
    }
    Awaitable<Result<>> delete_device(std::string device_id, std::optional<std::uint64_t> if_etag) override {
        ++changes_;
        return thread_.run(Access::write, [id = std::move(device_id), if_etag](Database& database) {
            return sqlite::delete_device(database, id, if_etag);
        });
    }

    Awaitable<Result<ModuleRecord>> module(std::string device_id, std::string module_id) override {
        return thread_.run(Access::read, [id = Identity::of_module(device_id, module_id)](Database& database) {
            return sqlite::read_module(database, id);
        });
    }
    Awaitable<Result<std::vector<ModuleRecord>>> modules(std::string device_id) override {
        return thread_.run(Access::read, [id = std::move(device_id)](Database& database) {
            return sqlite::read_modules(database, id);
        });
    }
    Awaitable<Result<>> create_module(ModuleRecord module, UtcTime now, std::size_t modules_max) override {
        ++changes_;
        return thread_.run(Access::write, [module = std::move(module), now, modules_max](Database& database) {
            return sqlite::create_module(database, module, now, modules_max);
        });
    }
    Awaitable<Result<ModuleRecord>> change_module(std::string device_id, std::string module_id,
                                                  Change<ModuleRecord> change) override {
        ++changes_;
        return thread_.run(Access::write, [id = Identity::of_module(device_id, module_id),
                                           change = std::move(change)](Database& database) {
            return sqlite::change_module(database, id, change);
        });
    }
    Awaitable<Result<>> delete_module(std::string device_id, std::string module_id,
                                      std::optional<std::uint64_t> if_etag) override {
        ++changes_;
        return thread_.run(Access::write, [id = Identity::of_module(device_id, module_id), if_etag](Database& database) {
            return sqlite::delete_module(database, id, if_etag);
        });
    }

    Awaitable<Result<domain::Twin>> twin(Identity identity) override {
        return thread_.run(Access::read, [id = std::move(identity)](Database& database) {
            return sqlite::read_twin(database, id);
        });
    }
    Awaitable<Result<domain::Twin>> change_twin(Identity identity, Change<domain::Twin> change) override {
        return thread_.run(Access::write, [id = std::move(identity), change = std::move(change)](Database& database) {
            return sqlite::change_twin(database, id, change);
        });
    }

    Awaitable<Result<ConnectionRecord>> connection(Identity identity) override {
        return thread_.run(Access::read, [id = std::move(identity)](Database& database) {
            return sqlite::read_connection(database, id);
        });
    }
    Awaitable<Result<>> save_connections(std::vector<std::pair<Identity, ConnectionRecord>> records) override {
        return thread_.run(Access::write, [records = std::move(records)](Database& database) {
            return sqlite::write_connections(database, records);
        });
    }

    std::uint64_t changes() const override { return changes_; }

    Awaitable<> stop() override { return thread_.stop(); }

private:
    sqlite::StoreThread thread_;
    std::uint64_t changes_ = 0;
};

}  // namespace

Result<std::unique_ptr<RegistryStore>> open_sqlite_registry_store(SqliteSettings settings) {
    SELVAGE_TRY(auto database, Database::open(settings, kSchema));
    return std::make_unique<SqliteRegistryStore>(std::move(database), settings);
}

}  // namespace selvage::storage
