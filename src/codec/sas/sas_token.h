// SAS tokens taken apart. Checking the signature is `security/`'s work, checking the audience is here.
//
// Wire: docs/wire/sas.md: `SharedAccessSignature sr=<audience>&sig=<…>&se=<seconds>[&skn=<policy>]`, pairs in any order,
// names in any case.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "domain/identity.h"

namespace selvage::codec {

struct SasToken {
    std::string raw_resource;     // sr exactly as received: it is what was signed
    std::string raw_expiry;       // se likewise
    std::string signature;        // base64, percent-decoded
    std::string policy;           // skn; empty: a device or module key
    UtcTime expires{};
};

inline constexpr std::chrono::seconds kSasClockSkew{300};

inline constexpr std::size_t kSasTokenBytesMax = 8192;

// Errors: malformed, saying which part is missing or wrong; never with the signature in the text.
Result<SasToken> parse_sas_token(std::string_view text);

bool is_expired(const SasToken& token, UtcTime now);

// What an audience covers: the host, or a device or module of it. Segments are decoded; host is lower-cased.
struct SasAudience {
    std::string host;
    std::string device;           // empty: the whole host
    std::string module;           // empty: the device
};
// Scheme and trailing slash are dropped; a trailing `api-version=…` or `messages/…` segment is ignored. Errors: malformed,
// also for a path that is neither a device's nor a module's.
Result<SasAudience> parse_sas_audience(std::string_view raw_resource);

// A device's or module's own token: the audience's host equals `host` and its ids equal `identity`, all ignoring case. A
// device's audience does not cover its modules, nor a whole host's anything.
bool covers(const SasAudience& audience, const domain::Identity& identity, std::string_view host);

}  // namespace selvage::codec
