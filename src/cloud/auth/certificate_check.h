// A client certificate against what the registry says of its identity.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cloud/authorities/authorities.h"
#include "domain/identity.h"
#include "storage/registry_store.h"

namespace selvage::cloud::auth {

// `chain_pem`: as TLS gave it, leaf first. By thumbprint (SHA-1 or SHA-256) the leaf's validity counts and its chain does
// not; by CA the common name is the identity ("d1", "d1/m1") and the chain leads to a verified CA. Gives the end of the leaf's
// validity. Errors: unauthorized.
// Wire: docs/wire/x509.md.
Result<UtcTime> check_certificate(const std::vector<std::string>& chain_pem, const domain::Identity& identity,
                                  const storage::Authentication& expected, const authorities::Authorities& authorities,
                                  UtcTime now);

}  // namespace selvage::cloud::auth
