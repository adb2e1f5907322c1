// What a hub's HTTPS API answers the device: the identity daemon's module identities, the edge hub's scope; and the events that
// hubctl prints. Input: a byte that chooses the call, then answers: a letter for the status, then the body.
#include <cstdint>
#include <string>

#include "cli/hubctl/commands.h"
#include "cli/hubctl/event_text.h"
#include "edge/hub/scope/service_scope_api.h"
#include "edge/identity/hub_modules.h"
#include "rig/answering_dialer.h"
#include "rig/input.h"
#include "rig/world.h"

namespace {

using namespace selvage;
using async::Awaitable;

class Keys final : public edge::identity::KeyStore {
    Result<std::string> hmac(std::string_view, std::string_view) const override { return std::string(32, 'h'); }
    Result<std::string> seal(std::string_view, std::string_view, std::string_view, std::string_view) const override { return fail(Errc::unsupported, ""); }
    Result<std::string> unseal(std::string_view, std::string_view, std::string_view, std::string_view) const override { return fail(Errc::unsupported, ""); }
    Result<std::optional<std::string>> find_private_text(std::string_view) const override { return std::nullopt; }
    Result<> keep_private_text(std::string_view, std::string_view) override { return {}; }
};

class Tokens final : public device_client::TokenSource {
    Awaitable<Result<std::string>> token(std::string, UtcTime) override { co_return "SharedAccessSignature sr=h&sig=s&se=1"; }
};

Awaitable<> modules(edge::identity::HubModules& hub, int call) {
    switch (call) {
        case 0: ignore(co_await hub.list(), ""); break;
        case 1: ignore(co_await hub.get("m"), ""); break;
        case 2: ignore(co_await hub.create("m"), ""); break;
        case 3: ignore(co_await hub.put_keys("m", {"a", "b"}), ""); break;
        default: ignore(co_await hub.remove("m"), ""); break;
    }
}

void check(edge::hub::ScopeIdentity identity) {
    const auto read = edge::hub::scope_identity_from_stored(edge::hub::to_stored_text(identity));
    // Keys of who may not use them are not kept.
    if (!identity.uses_sas) identity.primary_key = identity.secondary_key = "";
    SELVAGE_ASSERT(read && *read == identity);
}

Awaitable<> scope(edge::hub::ServiceScopeApi& api) {
    std::string continuation;
    for (int page = 0; page < 3; ++page) {
        auto found = co_await api.list(continuation);
        if (!found) break;
        for (const auto& identity : found->identities) check(identity);
        continuation = found->continuation;
    }
    const auto one = co_await api.get(domain::Identity::of_module("d", "m"));
    if (one) SELVAGE_ASSERT(one->identity == domain::Identity::of_module("d", "m"));
}

Awaitable<> ask(fuzz::World& world, int call, std::vector<std::string_view> answers) {
    fuzz::AnsweringDialer dialer(world.loop.get_executor(), world.time, std::move(answers));
    {
        const Keys keys;
        Tokens tokens;
        edge::identity::HubModules hub(dialer, world.time, keys, {.hub_host = "h", .gateway_host = "h", .device_id = "d"});
        edge::hub::ServiceScopeApi api(dialer, world.time, tokens, {.edge_device = "d", .hub_host = "h", .target = {.host = "h"}});
        if (call < 5) co_await modules(hub, call);
        else co_await scope(api);
    }
    co_await dialer.stop();
}

void print(std::string_view text) {
    const auto json = parse_json(text);
    if (!json) return;
    const auto show = [](const Json& one) {
        if (!one.is_object()) return;
        const auto event = cli::hubctl::event_object(one.get_object());
        cli::hubctl::event_lines(event);
        cli::hubctl::sender_of(one.get_object());
    };
    show(*json);
    if (json->is_array())
        for (const auto& one : json->get_array()) show(one);
    if (json->is_object()) ignore(cli::hubctl::content_of_manifest(json->get_object()), "refusing is fine");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto text = fuzz::text_of(data + 1, size - 1);
    if (data[0] % 7 == 6) {
        print(text);
        return 0;
    }
    fuzz::World world;
    world.run(ask(world, data[0] % 7, fuzz::parts_of(text)));
    return 0;
}
