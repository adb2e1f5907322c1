#include "edge/hub/scope/client_authenticator.h"

#include "async/deadline.h"
#include "security/sas_signer.h"

namespace selvage::edge::hub {
namespace {

using domain::Identity;

// What connection_auth_method says. Wire: docs/wire/edge-hub.md#authentication.
std::string auth_method(const Identity& identity) {
    return std::string(R"({"scope":")") + (identity.is_module() ? "module" : "device") +
           R"(","type":"sas","issuer":"iothub"})";
}

bool key_fits(const ScopeIdentity& identity, const codec::SasToken& token) {
    const auto fits = [&token](const std::string& key) {
        return !key.empty() &&
               security::sas_signature_matches(key, token.raw_resource, token.raw_expiry, token.signature);
    };
    return identity.uses_sas && (fits(identity.primary_key) || fits(identity.secondary_key));
}

// A refresh may cure these: someone new, new keys, or enabled again.
bool may_be_outdated(Errc code) {
    return code == Errc::device_not_found || code == Errc::module_not_found || code == Errc::unauthorized ||
           code == Errc::device_disabled;
}

}  // namespace

ClientAuthenticator::ClientAuthenticator(async::TimeSource& time, ScopeCache& scope, Settings settings)
    : time_(time), scope_(scope), settings_(std::move(settings)) {}

Result<codec::SasToken> ClientAuthenticator::check_token(const hub_api::Credentials& credentials) const {
    const auto& identity = credentials.identity;
    SELVAGE_TRY(auto token, codec::parse_sas_token(credentials.sas_token));
    SELVAGE_TRY(const auto audience, codec::parse_sas_audience(token.raw_resource));
    const auto covered = [&](const Identity& who) {
        return codec::covers(audience, who, settings_.hub_host) || codec::covers(audience, who, settings_.edge_host);
    };
    // A module may show a token for its device's name; a key of its own must still fit.
    if (!covered(identity) && !(identity.is_module() && covered(Identity::of_device(identity.device))))
        return fail(Errc::unauthorized, "the token is for another audience");
    // Exactly, as the reference: no allowance for wrong clocks.
    if (token.expires <= time_.utc_now()) return fail(Errc::unauthorized, "the token has expired");
    return token;
}

Result<hub_api::Grant> ClientAuthenticator::check_identity(const Identity& identity, const codec::SasToken& token) const {
    const auto* own = scope_.find(identity);
    const auto* device = identity.is_module() ? scope_.find(Identity::of_device(identity.device)) : own;
    if (own == nullptr)
        return fail(identity.is_module() ? Errc::module_not_found : Errc::device_not_found,
                    "'" + to_text(identity) + "' is not in the scope of this edge device");
    if (!own->enabled || (device != nullptr && !device->enabled))
        return fail(Errc::device_disabled, "'" + to_text(identity) + "' is disabled");
    // A host module may sign with its device's key.
    if (!key_fits(*own, token) && !(identity.is_module() && device != nullptr && key_fits(*device, token)))
        return fail(Errc::unauthorized, "the signature does not fit the keys of '" + to_text(identity) + "'");
    return hub_api::Grant{.identity = identity,
                          .expires = token.expires,
                          .auth_method = auth_method(identity),
                          .generation_id = own->generation_id};
}

Result<hub_api::Grant> ClientAuthenticator::check_cached(const hub_api::Credentials& credentials) const {
    SELVAGE_TRY(const auto token, check_token(credentials));
    return check_identity(credentials.identity, token);
}

async::Awaitable<Result<hub_api::Grant>> ClientAuthenticator::authenticate(hub_api::Credentials credentials) {
    const auto identity = credentials.identity;
    if (identity == Identity::of_module(settings_.edge_device, domain::kEdgeHubModule))
        co_return fail(Errc::forbidden, "the edge hub does not connect to itself");
    if (!credentials.auth_chain.empty() && credentials.auth_chain.find(';') != std::string::npos)
        co_return fail(Errc::forbidden, "this edge hub has no edge devices below it");
    if (credentials.sas_token.empty())
        co_return fail(Errc::unauthorized, "no token; certificates are not accepted by this edge hub");
    // What no refresh can cure comes first: a client with a bad or expired token costs no question to the hub above.
    SELVAGE_CO_TRY(const auto token, check_token(credentials));
    auto verdict = check_identity(identity, token);
    if (verdict || !may_be_outdated(verdict.error().code)) co_return verdict;
    const bool unknown =
        verdict.error().code == Errc::device_not_found || verdict.error().code == Errc::module_not_found;
    auto question = scope_.refresh_identity(identity);
    const auto asked = co_await async::with_deadline(time_, settings_.patience, std::move(question));
    if (!asked && unknown)
        co_return fail(Errc::unavailable, verdict.error().detail + ", and the hub above cannot be asked: " + asked.error().detail);
    co_return check_identity(identity, token);
}

}  // namespace selvage::edge::hub
