// A client certificate against what the registry says of its identity.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "storage/registry_store.h"

namespace selvage::cloud::auth {

// For self-signed certificates the thumbprint (SHA-1 or SHA-256) is the proof; validity counts, the chain does not.
// Errors: unauthorized. Wire: docs/wire/service-rest.md#certificates.
Result<> check_certificate(const std::string& leaf_pem, const storage::Authentication& expected, UtcTime now);

}  // namespace selvage::cloud::auth
