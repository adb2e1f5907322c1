// The CAs whose certificates devices may show: registered, and trusted once somebody has proved to hold their keys.
//
// The proof: the hub gives a verification code, its holder signs a certificate whose common name is that code with the CA's
// key, and the hub checks it. Those who may write the registry may also say so without a proof.
//
// Runs on: the hub's loop. Kept in the state store; all in memory as well (kAuthoritiesMax). Wire: docs/wire/x509.md.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/awaitable.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "base/result.h"
#include "security/client_chain.h"
#include "storage/state_store.h"

namespace selvage::cloud::authorities {

using async::Awaitable;

inline constexpr std::size_t kAuthoritiesMax = 25;

struct Authority {
    std::string name;
    std::string certificate_pem;
    bool verified = false;
    std::string verification_code;  // empty: none was asked for since the last proof
    std::uint64_t revision = 1;     // rises with each change; its text is the etag
    UtcTime created{};
    UtcTime updated{};
};

class Authorities {
public:
    Authorities(const Clock& clock, Random& random, storage::StateStore& store);

    // Reads what is stored; before anything else. Errors: corrupt, io_error.
    Awaitable<Result<>> load();

    std::vector<Authority> list() const;
    // Errors: not_found.
    Result<Authority> get(const std::string& name) const;
    // Registers a CA, or replaces its certificate, which then has to be proved again. `certificate`: PEM, or base64 of DER or
    // of PEM. Errors: invalid_argument (name; no CA; expired), malformed, quota_exceeded, already_exists (that certificate
    // under another name).
    Awaitable<Result<Authority>> put(std::string name, std::string certificate, bool verified);
    // A new code each time. Errors: not_found.
    Awaitable<Result<Authority>> new_verification_code(std::string name);
    // Errors: not_found, precondition_failed (no code was asked for), invalid_argument (what is wrong with the proof).
    Awaitable<Result<Authority>> verify(std::string name, std::string proof);
    // Errors: not_found.
    Awaitable<Result<>> remove(std::string name);

    // Does a chain (leaf first) lead to a verified CA? Errors: unauthorized, malformed.
    Result<> check_client(const std::vector<std::string>& chain_pem) const;

private:
    Awaitable<Result<Authority>> save(Authority authority);
    void rebuild();

    const Clock& clock_;
    Random& random_;
    storage::StateStore& store_;
    std::map<std::string, Authority> authorities_;
    std::shared_ptr<const security::TrustedAuthorities> trusted_;
};

// For the service API: {"name","properties":{"subject","thumbprint","expiry","isVerified",…},"etag"}.
JsonObject authority_json(const Authority& authority);

}  // namespace selvage::cloud::authorities
