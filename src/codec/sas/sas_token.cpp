// A token is `SharedAccessSignature`, one space, and pairs joined by '&'. The texts of `sr` and `se` are kept as they came:
// they are what was signed, and no two clients encode alike.
#include "codec/sas/sas_token.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "base/encoding.h"

namespace selvage::codec {
namespace {

constexpr std::string_view kScheme = "SharedAccessSignature";
// 9999-12-31T23:59:59Z. Tokens "for ever" are cut to it, so that arithmetic on times stays in range.
constexpr double kLastSecond = 253'402'300'799.0;

struct Pairs {
    std::optional<std::string_view> resource;
    std::optional<std::string_view> signature;
    std::optional<std::string_view> expiry;
    std::optional<std::string_view> policy;

    // Where the value of `name` goes; null for a name that means nothing here.
    std::optional<std::string_view>* slot(std::string_view name) {
        if (equals_ignoring_case(name, "sr")) return &resource;
        if (equals_ignoring_case(name, "sig")) return &signature;
        if (equals_ignoring_case(name, "se")) return &expiry;
        if (equals_ignoring_case(name, "skn")) return &policy;
        return nullptr;
    }
};

Result<Pairs> cut_pairs(std::string_view text) {
    Pairs pairs;
    while (!text.empty()) {
        const auto end = std::min(text.find('&'), text.size());
        const auto pair = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos)
            return fail(Errc::malformed, "SAS token: a field without '='");
        auto* slot = pairs.slot(pair.substr(0, equals));
        if (slot == nullptr) continue;
        if (*slot) return fail(Errc::malformed, "SAS token: a field is there twice");
        *slot = pair.substr(equals + 1);
    }
    return pairs;
}

// Clients write whole seconds; one that writes a fraction is understood.
Result<UtcTime> parse_expiry(std::string_view text) {
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds,
                                              std::chars_format::fixed);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(seconds) || seconds < 0)
        return fail(Errc::malformed, "SAS token: se is not a number of seconds");
    const auto whole = static_cast<std::int64_t>(std::min(seconds, kLastSecond));
    return UtcTime(std::chrono::seconds(whole));
}

}  // namespace

Result<SasToken> parse_sas_token(std::string_view text) {
    if (text.size() > kSasTokenBytesMax) return fail(Errc::malformed, "SAS token: longer than 8192 bytes");
    text = trim(text);
    if (!text.starts_with(kScheme) || text.size() == kScheme.size() || text[kScheme.size()] != ' ')
        return fail(Errc::malformed, "SAS token: does not begin with 'SharedAccessSignature '");
    const auto fields = trim(text.substr(kScheme.size()));
    if (fields.find_first_of(" \t\r\n") != std::string_view::npos)
        return fail(Errc::malformed, "SAS token: white space inside the fields");

    SELVAGE_TRY(const Pairs pairs, cut_pairs(fields));
    if (!pairs.resource || pairs.resource->empty()) return fail(Errc::malformed, "SAS token: sr is missing");
    if (!pairs.signature || pairs.signature->empty()) return fail(Errc::malformed, "SAS token: sig is missing");
    if (!pairs.expiry) return fail(Errc::malformed, "SAS token: se is missing");

    SasToken token;
    token.raw_resource = *pairs.resource;
    token.raw_expiry = *pairs.expiry;
    SELVAGE_TRY(token.expires, parse_expiry(*pairs.expiry));
    auto signature = percent_decode(*pairs.signature);
    if (!signature) return fail(Errc::malformed, "SAS token: sig has a '%' without two hex digits");
    token.signature = *std::move(signature);
    if (pairs.policy) {
        auto policy = percent_decode(*pairs.policy);
        if (!policy) return fail(Errc::malformed, "SAS token: skn has a '%' without two hex digits");
        token.policy = *std::move(policy);
    }
    return token;
}

bool is_expired(const SasToken& token, UtcTime now) { return token.expires + kSasClockSkew < now; }

}  // namespace selvage::codec
