// Asks the hub above who is in this device's scope.
//
// Runs on: the hub's loop.
#pragma once

#include <string>
#include <vector>

#include "async/awaitable.h"
#include "edge/hub/scope/scope_identity.h"

namespace selvage::edge::hub {

struct ScopePage {
    std::vector<ScopeIdentity> identities;
    std::string continuation;          // empty: this was the last page
};

class ScopeApi {
public:
    virtual ~ScopeApi() = default;
    // One page of this device, its modules and its children; `continuation` empty for the first. Errors: unavailable and
    // timeout (try later), unauthorized, malformed.
    virtual async::Awaitable<Result<ScopePage>> list(std::string continuation) = 0;
    // One identity. not_found: the hub above says that it is unknown or not in scope, which is final. Other errors as above.
    virtual async::Awaitable<Result<ScopeIdentity>> get(domain::Identity identity) = 0;
};

}  // namespace selvage::edge::hub
