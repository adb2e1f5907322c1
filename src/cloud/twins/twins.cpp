#include "cloud/twins/twins.h"

#include <fmt/core.h>

#include "cloud/twins/twin_document.h"

namespace selvage::cloud::twins {

using domain::Identity;
using domain::SectionKind;
using domain::Twin;
using registry::IfMatch;

Twins::Twins(const Clock& clock, storage::RegistryStore& store, storage::MailboxStore& mailboxes,
             sessions::SessionTable& sessions, registry::Registry& registry, domain::TwinLimits limits)
    : clock_(clock),
      store_(store),
      sessions_(sessions),
      facts_(store, mailboxes, sessions),
      registry_(registry),
      limits_(limits) {}

Awaitable<Result<std::string>> Twins::device_document(Identity identity) {
    SELVAGE_CO_TRY(const auto twin, co_await store_.twin(identity));
    co_return to_text(domain::device_document(twin));
}

Awaitable<Result<std::int64_t>> Twins::patch_reported(Identity identity, std::string patch,
                                                      std::optional<std::int64_t> if_version) {
    SELVAGE_CO_TRY(const auto document, parse_json_object(patch));
    const auto change = [values = domain::without_read_only(document), if_version, limits = limits_,
                         now = clock_.utc_now()](const Twin& current) -> Result<Twin> {
        if (if_version && *if_version != current.reported.version) {
            return fail(Errc::precondition_failed, fmt::format("reported properties have version {}, not {}",
                                                               current.reported.version, *if_version));
        }
        Twin next = current;
        SELVAGE_CHECK(domain::patch_section(next.reported, values, SectionKind::reported, limits, now));
        return next;
    };
    SELVAGE_CO_TRY(const auto twin, co_await store_.change_twin(identity, change));
    co_return twin.reported.version;
}

Awaitable<Result<JsonObject>> Twins::service_document(Identity identity) {
    SELVAGE_CO_TRY(const auto device, co_await store_.device(identity.device));
    std::optional<storage::ModuleRecord> module;
    if (identity.is_module()) {
        SELVAGE_CO_TRY(module, co_await store_.module(identity.device, identity.module));
    }
    SELVAGE_CO_TRY(const auto twin, co_await store_.twin(identity));
    const auto facts = co_await facts_.of(identity, device.generation_id);
    co_return service_twin(device, module ? &*module : nullptr, twin, facts);
}

namespace {

Result<> check_tags(const JsonObject& tags, const domain::TwinLimits& limits) {
    const auto bytes = domain::counted_bytes(tags);
    if (bytes <= limits.tags_bytes_max) return {};
    return fail(Errc::invalid_argument, fmt::format("tags: {} bytes, at most {}", bytes, limits.tags_bytes_max));
}

// What a service call asks of a twin. Absent means: leave alone (patch), make empty (replace).
struct Wanted {
    std::optional<JsonObject> tags;
    std::optional<JsonObject> desired;
};

Result<Twin> patched(const Twin& current, const Wanted& wanted, const domain::TwinLimits& limits, UtcTime now) {
    Twin next = current;
    if (wanted.tags) {
        if (auto sound = domain::check_section(*wanted.tags, limits); !sound) return fail(sound.error().in("tags"));
        domain::merge_patch(next.tags, *wanted.tags);
        SELVAGE_CHECK(check_tags(next.tags, limits));
    }
    if (wanted.desired) {
        SELVAGE_CHECK(domain::patch_section(next.desired, *wanted.desired, SectionKind::desired, limits, now));
    }
    return next;
}

Result<Twin> replaced(const Twin& current, const Wanted& wanted, const domain::TwinLimits& limits, UtcTime now) {
    Twin next = current;
    next.tags.clear();
    SELVAGE_TRY(next,
                patched(next, {.tags = wanted.tags.value_or(JsonObject{}), .desired = std::nullopt}, limits, now));
    SELVAGE_CHECK(domain::replace_section(next.desired, wanted.desired.value_or(JsonObject{}), SectionKind::desired,
                                          limits, now));
    return next;
}

Wanted read_wanted(const JsonObject& body) {
    Wanted wanted;
    if (const auto* tags = find_object(body, "tags")) wanted.tags = *tags;
    if (const auto* properties = find_object(body, "properties")) {
        if (const auto* desired = find_object(*properties, "desired"))
            wanted.desired = domain::without_read_only(*desired);
    }
    return wanted;
}

}  // namespace

Awaitable<Result<JsonObject>> Twins::change(Identity identity, JsonObject body, ChangeKind kind, IfMatch if_match) {
    const Wanted wanted = read_wanted(body);
    const auto before = std::make_shared<JsonObject>();
    const auto apply = [before, wanted, kind, if_match, limits = limits_,
                        now = clock_.utc_now()](const Twin& current) -> Result<Twin> {
        if (!if_match.allows(current.etag())) {
            return fail(Errc::precondition_failed, "the twin was changed: its etag differs from If-Match");
        }
        *before = current.desired.values;
        SELVAGE_TRY(auto next, kind == ChangeKind::patch ? patched(current, wanted, limits, now)
                                                         : replaced(current, wanted, limits, now));
        if (kind == ChangeKind::replace || wanted.tags || wanted.desired) {
            ++next.version;
            ++next.etag_counter;
        }
        return next;
    };
    // The device first: a module of a device that is not there is another error than a module that is not there.
    SELVAGE_CO_CHECK(co_await store_.device(identity.device));
    SELVAGE_CO_TRY(const auto twin, co_await store_.change_twin(identity, apply));
    if (kind == ChangeKind::replace) {
        tell(identity, twin.desired.version, replacement_patch(*before, twin.desired.values));
    } else if (wanted.desired) {
        tell(identity, twin.desired.version, *wanted.desired);
    }
    co_return co_await service_document(identity);
}

void Twins::tell(const Identity& identity, std::int64_t version, JsonObject patch) {
    const auto session = sessions_.find(identity);
    if (!session || !session->wants_desired) return;
    if (const auto sink = session->sink.lock()) sink->desired_changed(version, patch_text(std::move(patch), version));
}

Awaitable<Result<>> Twins::apply_configuration(std::string device_id, JsonObject content) {
    SELVAGE_CO_TRY(const auto device, co_await store_.device(device_id));
    if (!device.iot_edge) {
        co_return fail(Errc::invalid_argument, "device '" + device_id + "' is not an edge device");
    }
    SELVAGE_CO_TRY(auto changes, read_content(content));
    if (!applying_.insert(device_id).second) {
        co_return fail(Errc::already_exists, "another configuration is being applied to device '" + device_id + "'");
    }
    auto applied = co_await apply_changes(device_id, std::move(changes));
    applying_.erase(device_id);
    co_return applied;
}

Awaitable<Result<>> Twins::apply_changes(std::string device_id, std::vector<TwinChange> changes) {
    for (const auto& change : changes) {
        SELVAGE_CO_CHECK(co_await check_fits(Identity::of_module(device_id, change.module), change));
    }
    for (const auto& change : changes) {
        if (!change.module.empty()) SELVAGE_CO_CHECK(co_await registry_.ensure_module(device_id, change.module));
    }
    for (auto& change : changes) {
        const Identity identity = Identity::of_module(device_id, change.module);
        SELVAGE_CO_CHECK(co_await apply_one(identity, std::move(change)));
    }
    co_return Result<>{};
}

Awaitable<Result<>> Twins::check_fits(Identity identity, const TwinChange& change) {
    const UtcTime now = clock_.utc_now();
    auto twin = co_await store_.twin(identity);
    if (!twin && twin.error().code != Errc::module_not_found) co_return fail(twin.error());
    Twin trial = twin ? *std::move(twin) : domain::new_twin(now);
    const auto next = changed_document(trial.desired.values, change);
    if (auto fits = domain::replace_section(trial.desired, next, SectionKind::desired, limits_, now); !fits) {
        const auto& whose = identity.is_module() ? identity.module : identity.device;
        co_return fail(fits.error().in(whose + ": properties.desired"));
    }
    co_return Result<>{};
}

Awaitable<Result<>> Twins::apply_one(Identity identity, TwinChange change) {
    struct Outcome {
        bool changed = false;
        JsonObject before;
    };
    const auto outcome = std::make_shared<Outcome>();
    const auto apply = [outcome, change, limits = limits_,
                        now = clock_.utc_now()](const Twin& current) -> Result<Twin> {
        const auto values = changed_document(current.desired.values, change);
        outcome->changed = values != current.desired.values;
        if (!outcome->changed) return current;
        outcome->before = current.desired.values;
        Twin next = current;
        SELVAGE_CHECK(domain::replace_section(next.desired, values, SectionKind::desired, limits, now));
        ++next.version;
        ++next.etag_counter;
        return next;
    };
    SELVAGE_CO_TRY(const auto twin, co_await store_.change_twin(identity, apply));
    if (outcome->changed) tell(identity, twin.desired.version, replacement_patch(outcome->before, twin.desired.values));
    co_return Result<>{};
}

}  // namespace selvage::cloud::twins
