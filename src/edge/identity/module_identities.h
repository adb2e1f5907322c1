// The module identities of this device, as the daemon's APIs use them: at the hub, remembered here, with derived keys.
//
// What the hub last said is kept in memory and in a file, so that signing never waits for the hub, and a restart without a
// network serves the modules that it knew. Runs on: one loop. `hub`, `keys`, `time` and `blocking` outlive it.
// Errors: those of HubModules; not_found for a module that neither the hub nor the memory knows.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/blocking_pool.h"
#include "async/time_source.h"
#include "edge/identity/hub_modules.h"
#include "edge/identity/key_store.h"

namespace selvage::edge::identity {

// HMAC-SHA256(master key, "<module>:<generation>:primary"), and likewise "secondary".
// Wire: docs/wire/workload-api.md#keys.
Result<std::string> derive_module_key(const KeyStore& keys, const ModuleIdentity& identity, std::string_view which);

class ModuleIdentities {
public:
    // `backup_path`: the file.
    ModuleIdentities(HubModules& hub, const KeyStore& keys, async::TimeSource& time, async::BlockingPool& blocking,
                     std::string backup_path);

    // Reads the file, if it is of this hub and device. A damaged one counts as none, with a warning.
    Awaitable<> start();

    // From the hub; from the memory when the hub cannot be reached.
    Awaitable<Result<std::vector<ModuleIdentity>>> list();
    // Makes it, or takes the one that is there, and gives it its derived keys.
    Awaitable<Result<ModuleIdentity>> create(std::string module_id);
    // Writes the derived keys at the hub again. When the hub cannot be reached: what the memory knows.
    Awaitable<Result<ModuleIdentity>> update(std::string module_id);
    Awaitable<Result<>> remove(std::string module_id);

    // HMAC-SHA256 of `data` under the module's primary key. The hub is asked only for a module that is not known, or that
    // names another `generation` than the known one (at most once a minute for each).
    Awaitable<Result<std::string>> sign(std::string module_id, std::string generation, std::string data);

private:
    Awaitable<Result<ModuleIdentity>> find(std::string module_id, std::string generation);
    Awaitable<Result<ModuleIdentity>> give_keys(ModuleIdentity identity);
    void remember(ModuleIdentity identity);
    void save();

    HubModules& hub_;
    const KeyStore& keys_;
    async::TimeSource& time_;
    async::BlockingPool& blocking_;
    std::string backup_path_;
    std::map<std::string, ModuleIdentity> known_;
    std::map<std::string, TimePoint> asked_;      // when the hub was last asked about another generation
    struct Saver;
    std::shared_ptr<Saver> saver_;
    std::uint64_t saves_ = 0;
};

}  // namespace selvage::edge::identity
