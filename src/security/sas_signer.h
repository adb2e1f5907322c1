// SAS tokens: made and checked.
//
// Wire: docs/wire/sas.md. Signature = base64(HMAC-SHA256(base64decode(key), raw sr text + "\n" + raw se text)).
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace selvage::security {

// HMAC-SHA256, raw bytes in and out.
std::string hmac_sha256(std::string_view key, std::string_view data);
std::string sha256(std::string_view data);

// "SharedAccessSignature sr=<percent-encoded resource>&sig=…&se=…[&skn=policy]". `key_base64` is the symmetric key as the
// registry shows it. Errors: malformed key, invalid_argument on an empty resource.
Result<std::string> make_sas_token(std::string_view key_base64, std::string_view resource, UtcTime expires,
                                   std::string_view policy = {});

// True when `signature_base64` is that of the raw `sr` and `se` texts under `key_base64`; constant time. False for a
// malformed key.
bool sas_signature_matches(std::string_view key_base64, std::string_view raw_sr, std::string_view raw_se,
                           std::string_view signature_base64);

}  // namespace selvage::security
