// What comes back from our own disk, which may be damaged or of another version: twins, scope identities, names of queues, MQTT
// sessions, sealed values. First byte: which. What is read is written and read back the same.
#include <cstdint>
#include <string>

#include "cloud/sessions/stored_sessions.h"
#include "domain/twin.h"
#include "edge/hub/scope/scope_identity.h"
#include "edge/hub/store/queue_name.h"
#include "edge/hub/twins/cached_twin.h"
#include "rig/input.h"
#include "rig/world.h"
#include "security/seal.h"

namespace {

using namespace selvage;
using async::Awaitable;

class OneValue final : public storage::StateStore {
public:
    std::string value;
    Awaitable<Result<std::optional<std::string>>> get(std::string, std::string) override { co_return value; }
    Awaitable<Result<std::vector<std::pair<std::string, std::string>>>> list(std::string) override {
        co_return std::vector<std::pair<std::string, std::string>>{};
    }
    Awaitable<Result<>> put(std::string, std::string, std::string given) override {
        value = std::move(given);
        co_return Result<>{};
    }
    Awaitable<Result<>> erase(std::string, std::string) override { co_return Result<>{}; }
    Awaitable<> stop() override { co_return; }
};

void twin(std::string_view text) {
    const auto object = parse_json_object(text);
    if (!object) return;
    const auto read = domain::twin_from_json(*object);
    if (!read) return;
    const auto again = domain::twin_from_json(domain::to_json(*read));
    SELVAGE_ASSERT(again && again->desired.values == read->desired.values && again->reported.version == read->reported.version);
    SELVAGE_ASSERT(again->etag() == read->etag());
    domain::device_document(*read);
}

void scope(std::string_view text) {
    auto read = edge::hub::scope_identity_from_stored(text);
    if (!read) return;
    if (!read->uses_sas) read->primary_key = read->secondary_key = "";   // not kept: of no use
    const auto again = edge::hub::scope_identity_from_stored(edge::hub::to_stored_text(*read));
    SELVAGE_ASSERT(again && *again == *read);
}

void queue(std::string_view name) {
    const auto address = edge::hub::parse_queue_name(name, "edge");
    if (address) SELVAGE_ASSERT(edge::hub::parse_queue_name(edge::hub::queue_name(*address, "edge"), "edge") == address);
}

void cached_twin(std::string_view text) {
    const auto read = edge::hub::CachedTwin::from_stored_text(text);
    if (!read) return;
    const auto again = edge::hub::CachedTwin::from_stored_text(read->to_stored_text());
    SELVAGE_ASSERT(again && again->reported == read->reported && again->desired_version == read->desired_version);
    SELVAGE_ASSERT(parse_json_object(read->document()).has_value());
}

Awaitable<> session(std::string_view text) {
    OneValue store;
    store.value = text;
    cloud::sessions::StoredSessions sessions(store);
    const auto identity = domain::Identity::of_device("d");
    const auto read = co_await sessions.load(identity);
    if (!read) co_return;
    SELVAGE_ASSERT(read->has_value());
    for (const auto& filter : **read) SELVAGE_ASSERT(filter.qos <= 2);
    ignore(co_await sessions.save(identity, **read), "");
    const auto again = co_await sessions.load(identity);
    SELVAGE_ASSERT(again && *again == *read);
}

// Nobody makes a sealed value without the key.
void sealed(std::string_view text) {
    const std::string key(32, 'k');
    SELVAGE_ASSERT(!security::unseal(key, "iv", "aad", text));
    const auto made = security::seal(key, "iv", "aad", text);
    SELVAGE_ASSERT(made && security::unseal(key, "iv", "aad", *made) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto text = fuzz::text_of(data + 1, size - 1);
    switch (data[0] % 6) {
        case 0: twin(text); break;
        case 1: scope(text); break;
        case 2: queue(text); break;
        case 3: cached_twin(text); break;
        case 4: {
            fuzz::World world;
            world.run(session(text));
            break;
        }
        default: sealed(text); break;
    }
    return 0;
}
