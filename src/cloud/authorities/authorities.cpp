#include "cloud/authorities/authorities.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/time_text.h"
#include "cloud/authorities/stored_authority.h"
#include "security/certificates.h"

namespace selvage::cloud::authorities {

namespace {

constexpr const char* kBucket = "certificate-authorities";
constexpr std::size_t kNameCharsMax = 128;
// In hex 48 characters, which fits a common name (64).
constexpr std::size_t kCodeBytes = 24;

// The rule of the service's certificate names.
Result<> check_name(const std::string& name) {
    const auto allowed = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
    };
    if (!name.empty() && name.size() <= kNameCharsMax && std::ranges::all_of(name, allowed)) return {};
    return fail(Errc::invalid_argument, fmt::format("name of a CA: give 1 to {} letters, digits, '-', '.' and '_'", kNameCharsMax));
}

Error unknown(const std::string& name) {
    return {Errc::not_found, "there is no CA '" + name + "'"};
}

}  // namespace

Authorities::Authorities(const Clock& clock, Random& random, storage::StateStore& store)
    : clock_(clock), random_(random), store_(store) {
    rebuild();
}

Awaitable<Result<>> Authorities::load() {
    SELVAGE_CO_TRY(const auto entries, co_await store_.list(kBucket));
    for (const auto& [name, text] : entries) {
        SELVAGE_CO_TRY(auto authority, read_stored(name, text));
        authorities_[name] = std::move(authority);
    }
    rebuild();
    co_return Result<>{};
}

std::vector<Authority> Authorities::list() const {
    std::vector<Authority> all;
    for (const auto& [name, authority] : authorities_)
        all.push_back(authority);
    return all;
}

Result<Authority> Authorities::get(const std::string& name) const {
    const auto found = authorities_.find(name);
    if (found == authorities_.end()) return fail(unknown(name));
    return found->second;
}

Awaitable<Result<Authority>> Authorities::put(std::string name, std::string certificate, bool verified) {
    SELVAGE_CO_CHECK(check_name(name));
    SELVAGE_CO_TRY(auto pem, read_certificate_input(certificate));
    SELVAGE_CO_TRY(const auto facts, security::read_certificate(pem));
    if (!facts.is_ca) co_return fail(Errc::invalid_argument, "the certificate is not a CA's");
    if (facts.not_after <= clock_.utc_now()) co_return fail(Errc::invalid_argument, "the certificate has expired");
    for (const auto& [other, authority] : authorities_) {
        const auto theirs = security::read_certificate(authority.certificate_pem);
        if (other != name && theirs && theirs->thumbprint_sha256 == facts.thumbprint_sha256) {
            co_return fail(Errc::already_exists, "the certificate is registered already as '" + other + "'");
        }
    }
    Authority authority;
    if (const auto current = get(name)) authority = *current;
    else if (authorities_.size() >= kAuthoritiesMax)
        co_return fail(Errc::quota_exceeded, fmt::format("at most {} CAs", kAuthoritiesMax));
    else authority.created = clock_.utc_now();
    authority.name = std::move(name);
    authority.certificate_pem = std::move(pem);
    authority.verified = verified;
    authority.verification_code.clear();
    co_return co_await save(std::move(authority));
}

Awaitable<Result<Authority>> Authorities::new_verification_code(std::string name) {
    SELVAGE_CO_TRY(auto authority, get(name));
    std::array<std::byte, kCodeBytes> code{};
    random_.fill(code);
    authority.verification_code = to_hex(as_text(code));
    co_return co_await save(std::move(authority));
}

Awaitable<Result<Authority>> Authorities::verify(std::string name, std::string proof) {
    SELVAGE_CO_TRY(auto authority, get(name));
    if (authority.verification_code.empty()) {
        co_return fail(Errc::precondition_failed, "ask for a verification code first");
    }
    SELVAGE_CO_TRY(const auto pem, read_certificate_input(proof));
    SELVAGE_CO_TRY(const auto facts, security::read_certificate(pem));
    if (!equals_ignoring_case(facts.common_name, authority.verification_code)) {
        co_return fail(Errc::invalid_argument, "the certificate's common name is not the verification code");
    }
    if (const auto signed_by = security::check_signed_by(pem, authority.certificate_pem, clock_.utc_now()); !signed_by) {
        co_return fail(Errc::invalid_argument, "the certificate was not signed with the CA's key: " + signed_by.error().detail);
    }
    authority.verified = true;
    authority.verification_code.clear();
    co_return co_await save(std::move(authority));
}

Awaitable<Result<>> Authorities::remove(std::string name) {
    SELVAGE_CO_CHECK(get(name));
    SELVAGE_CO_CHECK(co_await store_.erase(kBucket, name));
    authorities_.erase(name);
    rebuild();
    co_return Result<>{};
}

Awaitable<Result<Authority>> Authorities::save(Authority authority) {
    ++authority.revision;
    authority.updated = clock_.utc_now();
    SELVAGE_CO_CHECK(co_await store_.put(kBucket, authority.name, stored_text(authority)));
    authorities_[authority.name] = authority;
    rebuild();
    co_return authority;
}

void Authorities::rebuild() {
    std::vector<std::string> pems;
    for (const auto& [name, authority] : authorities_) {
        if (authority.verified) pems.push_back(authority.certificate_pem);
    }
    auto trusted = security::TrustedAuthorities::make(pems);
    // All of them were read before they came here.
    SELVAGE_ASSERT(trusted.has_value());
    trusted_ = *std::move(trusted);
}

Result<> Authorities::check_client(const std::vector<std::string>& chain_pem) const {
    return trusted_->check_client(chain_pem, clock_.utc_now());
}

JsonObject authority_json(const Authority& authority) {
    JsonObject properties;
    if (const auto facts = security::read_certificate(authority.certificate_pem)) {
        properties["subject"] = facts->common_name;
        properties["thumbprint"] = facts->thumbprint_sha1;
        properties["expiry"] = to_iso8601(facts->not_after);
    }
    properties["isVerified"] = authority.verified;
    properties["created"] = to_iso8601(authority.created);
    properties["updated"] = to_iso8601(authority.updated);
    properties["certificate"] = to_base64(authority.certificate_pem);
    if (!authority.verification_code.empty()) properties["verificationCode"] = authority.verification_code;
    return {{"name", authority.name},
            {"properties", std::move(properties)},
            {"etag", to_base64(std::to_string(authority.revision))}};
}

}  // namespace selvage::cloud::authorities
