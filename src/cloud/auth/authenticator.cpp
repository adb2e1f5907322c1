// Order of the checks of a token: it parses; it has not expired; the identity (or policy) exists and is enabled; the
// signature is that of one of its keys; the audience covers what is asked for.
#include "cloud/auth/authenticator.h"

#include "base/encoding.h"
#include "cloud/auth/certificate_check.h"
#include "cloud/auth/chain.h"
#include "security/sas_signer.h"

namespace selvage::cloud::auth {

using data_folder::Policy;
using domain::Identity;
using hub_api::Credentials;
using hub_api::Grant;
using storage::AuthenticationType;

namespace {

// docs/wire/service-rest.md#stamps
std::string auth_method(std::string_view scope, std::string_view type, std::string_view issuer) {
    return fmt::format(R"({{"scope":"{}","type":"{}","issuer":"{}","acceptingIpFilterRule":null}})", scope, type,
                       issuer);
}

std::string_view scope_of(const Identity& identity) {
    return identity.is_module() ? "module" : "device";
}

std::optional<UtcTime> end_of(const codec::SasToken& token) {
    return token.expires;
}

bool signed_by(const codec::SasToken& token, const std::string& primary, const std::string& secondary) {
    const auto matches = [&](const std::string& key) {
        return !key.empty() &&
               security::sas_signature_matches(key, token.raw_resource, token.raw_expiry, token.signature);
    };
    return matches(primary) || matches(secondary);
}

// Is `resource` the host, or a prefix of host + path that ends at a '/'? Host names ignore case, ids do too in
// audiences.
bool covers_path(std::string_view raw_resource, const std::string& host, std::string_view path) {
    const auto decoded = percent_decode(raw_resource);
    if (!decoded) return false;
    std::string resource = to_lower(*decoded);
    if (const auto scheme = resource.find("://"); scheme != std::string::npos) resource.erase(0, scheme + 3);
    while (resource.ends_with('/'))
        resource.pop_back();
    const std::string full = to_lower(host) + to_lower(path);
    return full.starts_with(resource) && !resource.empty() &&
           (full.size() == resource.size() || full[resource.size()] == '/') && resource.size() >= host.size();
}

}  // namespace

Authenticator::Authenticator(storage::RegistryStore& store, const authorities::Authorities& authorities,
                             const Clock& clock, std::string host_name, std::vector<Policy> policies)
    : store_(store),
      authorities_(authorities),
      clock_(clock),
      host_name_(std::move(host_name)),
      policies_(std::move(policies)) {}

Awaitable<Result<Grant>> Authenticator::authenticate(Credentials credentials) {
    if (credentials.sas_token.empty() && credentials.certificate_chain_pem.empty()) {
        co_return fail(Errc::unauthorized, "neither a token nor a certificate was presented");
    }
    if (!credentials.auth_chain.empty()) co_return co_await on_behalf(std::move(credentials));
    if (!credentials.sas_token.empty()) {
        SELVAGE_CO_TRY(auto token, parse_live_token(credentials.sas_token));
        if (!token.policy.empty()) co_return co_await by_policy(std::move(credentials.identity), std::move(token));
    }
    co_return co_await by_own_credentials(std::move(credentials));
}

Result<codec::SasToken> Authenticator::parse_live_token(std::string_view text) const {
    auto token = codec::parse_sas_token(text);
    if (!token) return fail(Errc::unauthorized, token.error().detail);
    if (codec::is_expired(*token, clock_.utc_now())) return fail(Errc::unauthorized, "the token has expired");
    return token;
}

Awaitable<Result<Authenticator::Member>> Authenticator::load(Identity identity) {
    Member member;
    SELVAGE_CO_TRY(member.device, co_await store_.device(identity.device));
    if (!member.device.enabled) co_return fail(Errc::device_disabled, "device '" + identity.device + "' is disabled");
    member.authentication = member.device.authentication;
    member.generation_id = member.device.generation_id;
    if (identity.is_module()) {
        SELVAGE_CO_TRY(auto module, co_await store_.module(identity.device, identity.module));
        member.authentication = std::move(module.authentication);
        member.generation_id = std::move(module.generation_id);
    }
    co_return member;
}

Result<> Authenticator::check_own_token(const codec::SasToken& token, const Identity& identity,
                                        const Member& member) const {
    if (member.authentication.type != AuthenticationType::sas) {
        return fail(Errc::unauthorized, "'" + domain::to_text(identity) + "' does not authenticate with a key");
    }
    if (!signed_by(token, member.authentication.primary_key, member.authentication.secondary_key)) {
        return fail(Errc::unauthorized, "the token is not signed with a key of '" + domain::to_text(identity) + "'");
    }
    const auto audience = codec::parse_sas_audience(token.raw_resource);
    if (!audience || !codec::covers(*audience, identity, host_name_)) {
        return fail(Errc::unauthorized, "the token's audience is not '" + domain::to_text(identity) + "' of this hub");
    }
    return {};
}

Awaitable<Result<Grant>> Authenticator::by_own_credentials(Credentials credentials) {
    SELVAGE_CO_TRY(const auto member, co_await load(credentials.identity));
    Grant grant{.identity = credentials.identity,
                .expires = std::nullopt,
                .auth_method = auth_method(scope_of(credentials.identity), "sas", "iothub"),
                .generation_id = member.generation_id};
    if (!credentials.sas_token.empty()) {
        SELVAGE_CO_TRY(const auto token, parse_live_token(credentials.sas_token));
        SELVAGE_CO_CHECK(check_own_token(token, credentials.identity, member));
        grant.expires = end_of(token);
        co_return grant;
    }
    SELVAGE_CO_TRY(const auto not_after, check_certificate(credentials.certificate_chain_pem, credentials.identity,
                                                           member.authentication, authorities_, clock_.utc_now()));
    // Heads give every right the grace that tokens have for clocks that differ; a certificate has none.
    grant.expires = not_after - codec::kSasClockSkew;
    grant.auth_method = auth_method(scope_of(credentials.identity), "x509", "external");
    co_return grant;
}

Awaitable<Result<Grant>> Authenticator::by_policy(Identity identity, codec::SasToken token) {
    std::string path = "/devices/" + identity.device;
    if (identity.is_module()) path += "/modules/" + identity.module;
    SELVAGE_CO_TRY(const auto* policy, check_policy_token(token, path));
    if (!policy->grants(data_folder::kDeviceConnect)) {
        co_return fail(Errc::unauthorized, "policy '" + policy->name + "' lacks DeviceConnect");
    }
    SELVAGE_CO_TRY(const auto member, co_await load(identity));
    co_return Grant{.identity = identity,
                    .expires = end_of(token),
                    .auth_method = auth_method("hub", "sas", "iothub"),
                    .generation_id = member.generation_id};
}

Result<const Policy*> Authenticator::check_policy_token(const codec::SasToken& token, std::string_view path) const {
    for (const auto& policy : policies_) {
        if (policy.name != token.policy) continue;
        if (!signed_by(token, policy.primary_key, policy.secondary_key)) {
            return fail(Errc::unauthorized, "the token is not signed with a key of policy '" + policy.name + "'");
        }
        if (!covers_path(token.raw_resource, host_name_, path)) {
            return fail(Errc::unauthorized, "the token's audience does not cover this request");
        }
        return &policy;
    }
    return fail(Errc::unauthorized, "the token names a policy that this hub does not have");
}

Awaitable<Result<Grant>> Authenticator::on_behalf(Credentials credentials) {
    SELVAGE_CO_TRY(auto chain, co_await check_chain(credentials.auth_chain));
    if (chain.front() != domain::to_text(credentials.identity)) {
        co_return fail(Errc::forbidden, "the auth chain does not begin with the identity that connects");
    }
    const Identity actor = Identity::of_module(chain.back(), domain::kEdgeHubModule);
    Credentials actors = credentials;
    actors.identity = actor;
    actors.auth_chain.clear();
    SELVAGE_CO_TRY(auto proof, co_await by_own_credentials(std::move(actors)));
    SELVAGE_CO_TRY(const auto target, co_await load(credentials.identity));
    co_return Grant{.identity = credentials.identity,
                    .expires = proof.expires,
                    .auth_method = auth_method(scope_of(credentials.identity), "sas", "iothub"),
                    .generation_id = target.generation_id,
                    .auth_chain = credentials.auth_chain};
}

Awaitable<Result<std::vector<std::string>>> Authenticator::check_chain(std::string chain) {
    SELVAGE_CO_TRY(auto members, split_chain(chain));
    SELVAGE_CO_TRY(const auto devices, devices_of_chain(members));
    if (members.front() != devices.front()) {
        const auto module = members.front().substr(devices.front().size() + 1);
        SELVAGE_CO_CHECK(co_await store_.module(devices.front(), module));
    }
    std::optional<storage::DeviceRecord> child;
    for (const auto& id : devices) {
        SELVAGE_CO_TRY(auto device, co_await store_.device(id));
        if (!device.enabled) co_return fail(Errc::device_disabled, "device '" + id + "' of the auth chain is disabled");
        if (child && !is_parent(device, *child)) {
            co_return fail(Errc::forbidden, "'" + id + "' is not the parent of '" + child->device_id + "'");
        }
        child = std::move(device);
    }
    if (!child->iot_edge) co_return fail(Errc::forbidden, "'" + child->device_id + "' is not an edge device");
    co_return members;
}

Awaitable<Result<Caller>> Authenticator::authenticate_request(RequestCredentials credentials) {
    if (!credentials.authorization.empty()) {
        SELVAGE_CO_TRY(const auto token, parse_live_token(credentials.authorization));
        if (!token.policy.empty()) {
            SELVAGE_CO_TRY(const auto* policy, check_policy_token(token, credentials.path));
            co_return Caller{.permissions = policy->permissions, .identity = std::nullopt};
        }
        const auto audience = codec::parse_sas_audience(token.raw_resource);
        if (!audience) co_return fail(Errc::unauthorized, audience.error().detail);
        // Audiences may come in lower case, ids are told apart by case: the path has the id as it is.
        Identity identity = Identity::of_module(audience->device, audience->module);
        if (credentials.path_identity && codec::covers(*audience, *credentials.path_identity, host_name_)) {
            identity = *credentials.path_identity;
        }
        if (identity.device.empty())
            co_return fail(Errc::unauthorized, "the token names neither a policy nor a device");
        SELVAGE_CO_TRY(const auto member, co_await load(identity));
        SELVAGE_CO_CHECK(check_own_token(token, identity, member));
        co_return Caller{.permissions = 0, .identity = std::move(identity)};
    }
    if (!credentials.certificate_chain_pem.empty() && credentials.path_identity) {
        const Identity identity = *credentials.path_identity;
        SELVAGE_CO_TRY(const auto member, co_await load(identity));
        SELVAGE_CO_CHECK(check_certificate(credentials.certificate_chain_pem, identity, member.authentication,
                                           authorities_, clock_.utc_now()));
        co_return Caller{.permissions = 0, .identity = identity};
    }
    co_return fail(Errc::unauthorized, "the request has no Authorization header");
}

}  // namespace selvage::cloud::auth
