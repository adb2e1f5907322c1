// An authority as the state store keeps it.
//
// Pure.
#pragma once

#include "cloud/authorities/authorities.h"

namespace selvage::cloud::authorities {

std::string stored_text(const Authority& authority);
// Errors: corrupt.
Result<Authority> read_stored(const std::string& name, const std::string& text);

// PEM out of what clients send: PEM text, base64 of PEM, base64 of DER. Errors: malformed.
Result<std::string> read_certificate_input(const std::string& text);

}  // namespace selvage::cloud::authorities
