#include "edge/identity/module_identities.h"

#include <fmt/core.h>

#include <mutex>

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "security/sas_signer.h"

namespace selvage::edge::identity {
namespace {

constexpr std::chrono::minutes kAskAgainAfter{1};
constexpr std::size_t kRememberedQuestionsMax = 1000;

bool is_out_of_reach(const Error& error) {
    return error.code == Errc::unavailable || error.code == Errc::timeout || error.code == Errc::throttled ||
           error.code == Errc::connection_closed || error.code == Errc::io_error;
}

std::string backup_text(const HubModulesSettings& settings, const std::map<std::string, ModuleIdentity>& known) {
    JsonArray modules;
    for (const auto& [id, identity] : known) modules.push_back(management::to_json(identity));
    return to_text(JsonObject{{"hub", settings.hub_host}, {"device", settings.device_id}, {"modules", std::move(modules)}});
}

Result<std::map<std::string, ModuleIdentity>> read_backup(std::string_view text, const HubModulesSettings& settings) {
    SELVAGE_TRY(const JsonObject object, parse_json_object(text));
    std::map<std::string, ModuleIdentity> known;
    if (find_text(object, "hub") != settings.hub_host || find_text(object, "device") != settings.device_id) return known;
    const JsonArray* modules = find_array(object, "modules");
    if (modules == nullptr) return fail(Errc::malformed, "`modules` is missing");
    for (const Json& entry : *modules) {
        SELVAGE_TRY(ModuleIdentity identity, management::parse_module_identity(entry));
        known.insert_or_assign(identity.module_id, identity);
    }
    return known;
}

}  // namespace

Result<std::string> derive_module_key(const KeyStore& keys, const ModuleIdentity& identity, std::string_view which) {
    return keys.hmac(kModuleKeysMaster, fmt::format("{}:{}:{}", identity.module_id, identity.generation_id, which));
}

// On the pool, not awaited: a caller that is cancelled must not leave a file unwritten. Shared with the work that waits there.
struct ModuleIdentities::Saver {
    std::mutex mutex;
    std::uint64_t written = 0;

    void write(std::uint64_t number, const std::string& path, const std::string& text) {
        const std::lock_guard lock(mutex);
        if (number <= written) return;
        const auto saved = replace_file(path, text, 0600);
        if (!saved) log::warn("identity", "the module identities cannot be remembered reason={}", saved.error().detail);
        written = number;
    }
};

ModuleIdentities::ModuleIdentities(HubModules& hub, const KeyStore& keys, async::TimeSource& time,
                                   async::BlockingPool& blocking, std::string backup_path)
    : hub_(hub), keys_(keys), time_(time), blocking_(blocking), backup_path_(std::move(backup_path)),
      saver_(std::make_shared<Saver>()) {}

Awaitable<> ModuleIdentities::start() {
    auto text = co_await blocking_.run([path = backup_path_] { return read_file(path); });
    if (!text) co_return;
    auto known = read_backup(*text, hub_.settings());
    if (known) known_ = std::move(*known);
    else log::warn("identity", "the remembered module identities cannot be read file={} reason={}", backup_path_, known.error().detail);
}

void ModuleIdentities::save() {
    const bool accepted = blocking_.post([saver = saver_, number = ++saves_, path = backup_path_,
                                          text = backup_text(hub_.settings(), known_)] { saver->write(number, path, text); });
    if (!accepted) log::warn("identity", "the module identities cannot be remembered reason=the disk is too slow");
}

void ModuleIdentities::remember(ModuleIdentity identity) {
    const auto at = known_.find(identity.module_id);
    if (at != known_.end() && at->second.generation_id == identity.generation_id) return;
    std::string id = identity.module_id;
    known_.insert_or_assign(std::move(id), std::move(identity));
    save();
}

Awaitable<Result<std::vector<ModuleIdentity>>> ModuleIdentities::list() {
    auto identities = co_await hub_.list();
    if (!identities && !is_out_of_reach(identities.error())) co_return identities;
    if (!identities) {
        log::warn("identity", "the hub cannot be reached, the remembered identities serve reason={}", identities.error().detail);
        if (known_.empty()) co_return identities;
        std::vector<ModuleIdentity> remembered;
        for (const auto& [id, identity] : known_) remembered.push_back(identity);
        co_return remembered;
    }
    std::map<std::string, ModuleIdentity> fresh;
    for (const ModuleIdentity& identity : *identities)
        if (!identity.generation_id.empty()) fresh.insert_or_assign(identity.module_id, identity);
    const bool changed = backup_text(hub_.settings(), fresh) != backup_text(hub_.settings(), known_);
    known_ = std::move(fresh);
    if (changed) save();
    co_return identities;
}

Awaitable<Result<ModuleIdentity>> ModuleIdentities::give_keys(ModuleIdentity identity) {
    if (identity.generation_id.empty())
        co_return fail(Errc::not_found, fmt::format("module identity '{}' has no generation at the hub", identity.module_id));
    auto primary = derive_module_key(keys_, identity, "primary");
    auto secondary = derive_module_key(keys_, identity, "secondary");
    if (!primary || !secondary) co_return fail(primary ? secondary.error() : primary.error());
    ModuleKeys keys{to_base64(*primary), to_base64(*secondary)};
    auto updated = co_await hub_.put_keys(identity.module_id, std::move(keys));
    if (!updated) co_return fail(updated.error());
    // A hub that leaves the generation out of this answer means the one that it gave before.
    if (updated->generation_id.empty()) updated->generation_id = identity.generation_id;
    remember(*updated);
    co_return std::move(*updated);
}

Awaitable<Result<ModuleIdentity>> ModuleIdentities::create(std::string module_id) {
    auto created = co_await hub_.create(module_id);
    if (!created && created.error().code == Errc::already_exists) created = co_await hub_.get(module_id);
    if (!created) co_return fail(created.error());
    co_return co_await give_keys(std::move(*created));
}

Awaitable<Result<ModuleIdentity>> ModuleIdentities::update(std::string module_id) {
    auto current = co_await hub_.get(module_id);
    if (current) {
        ModuleIdentity identity = std::move(*current);
        current = co_await give_keys(std::move(identity));
    }
    if (current || !is_out_of_reach(current.error())) co_return current;
    const auto at = known_.find(module_id);
    if (at == known_.end()) co_return current;
    log::warn("identity", "the hub cannot be reached, the remembered identity serves module={} reason={}", module_id, current.error().detail);
    co_return at->second;
}

Awaitable<Result<>> ModuleIdentities::remove(std::string module_id) {
    auto removed = co_await hub_.remove(module_id);
    if (!removed && removed.error().code != Errc::not_found) co_return removed;
    if (known_.erase(module_id) > 0) save();
    co_return removed;
}

Awaitable<Result<ModuleIdentity>> ModuleIdentities::find(std::string module_id, std::string generation) {
    const auto at = known_.find(module_id);
    if (at != known_.end()) {
        if (generation == at->second.generation_id) co_return at->second;
        const auto asked = asked_.find(module_id);
        if (asked != asked_.end() && time_.now() - asked->second < kAskAgainAfter) co_return at->second;
    }
    if (asked_.size() >= kRememberedQuestionsMax) asked_.clear();
    asked_[module_id] = time_.now();
    auto current = co_await hub_.get(module_id);
    if (current && current->generation_id.empty())
        co_return fail(Errc::not_found, fmt::format("module identity '{}' has no generation at the hub", module_id));
    if (current) {
        remember(*current);
        co_return std::move(*current);
    }
    const auto remembered = known_.find(module_id);
    if (remembered != known_.end()) co_return remembered->second;
    co_return fail(current.error());
}

Awaitable<Result<std::string>> ModuleIdentities::sign(std::string module_id, std::string generation, std::string data) {
    auto identity = co_await find(std::move(module_id), std::move(generation));
    if (!identity) co_return fail(identity.error());
    auto key = derive_module_key(keys_, *identity, "primary");
    if (!key) co_return fail(key.error());
    co_return security::hmac_sha256(*key, data);
}

}  // namespace selvage::edge::identity
