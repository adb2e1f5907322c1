// The key that the edge hub's state is encrypted with: made once, and stored only in the form that the device's security
// daemon encrypted for this module (envelope encryption: one call to the daemon a start instead of one a write).
#pragma once

#include <string>

#include "base/random.h"
#include "storage/state_store.h"

namespace selvage::edge::hub {

// Encrypts for this module and nobody else: the workload API, or a stand-in in developer mode.
class Sealer {
public:
    virtual ~Sealer() = default;
    virtual async::Awaitable<Result<std::string>> encrypt(std::string plaintext, std::string vector) = 0;
    virtual async::Awaitable<Result<std::string>> decrypt(std::string sealed, std::string vector) = 0;
};

// The stored key, or a new one when there is none or the sealer says that it is not ours (the device was given another
// identity): then everything encrypted before is lost, which is logged. Errors: unavailable and timeout as the sealer gave
// them (try again later: the key must not be replaced for that), io_error.
async::Awaitable<Result<std::string>> load_data_key(storage::StateStore& store, Random& random, Sealer& sealer);

}  // namespace selvage::edge::hub
