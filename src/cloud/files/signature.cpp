#include "cloud/files/signature.h"

#include <fmt/core.h>

#include "base/encoding.h"
#include "base/time_text.h"
#include "security/sas_signer.h"

namespace selvage::cloud::files {

namespace {

// The storage service's version whose form these signatures have: docs/wire/file-upload.md#signature.
constexpr std::string_view kVersion = "2018-03-28";
constexpr std::string_view kResource = "b";
constexpr std::string_view kPermissions = "rw";

// Lines, as in the storage service's own: none of these texts has a line break (names are checked).
std::string signature_of(std::string_view key, const SignedFile& file, const hub_api::FilePass& pass) {
    const auto text = fmt::format("{}\n{}\n/{}/{}\n{}\n{}\n{}", pass.permissions, pass.expiry, file.container, file.blob,
                                  file.generation_id, pass.resource, pass.version);
    return to_base64(security::hmac_sha256(key, text));
}

}  // namespace

std::string sign(std::string_view key, const SignedFile& file, UtcTime expires) {
    hub_api::FilePass pass{.version = std::string(kVersion),
                           .resource = std::string(kResource),
                           .permissions = std::string(kPermissions),
                           .expiry = to_iso8601(expires).substr(0, 19) + "Z",
                           .signature = {}};
    pass.signature = signature_of(key, file, pass);
    return fmt::format("?sv={}&sr={}&sig={}&se={}&sp={}", pass.version, pass.resource, percent_encode(pass.signature),
                       percent_encode(pass.expiry), pass.permissions);
}

Result<> check(std::string_view key, const SignedFile& file, const hub_api::FilePass& pass, hub_api::FileAccess access,
               UtcTime now) {
    if (pass.signature.empty() || !equals_in_constant_time(pass.signature, signature_of(key, file, pass))) {
        return fail(Errc::unauthorized, "the signature is missing, or not that of this file");
    }
    const auto expires = from_iso8601(pass.expiry);
    if (!expires || *expires <= now) return fail(Errc::unauthorized, "the signature is over its time");
    const char wanted = access == hub_api::FileAccess::read ? 'r' : 'w';
    if (pass.resource != kResource || pass.permissions.find(wanted) == std::string::npos) {
        return fail(Errc::forbidden, "the signature is not for this operation");
    }
    return {};
}

}  // namespace selvage::cloud::files
