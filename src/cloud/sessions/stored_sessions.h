// MQTT sessions that outlive their connection: the filters of an identity, kept in the state store.
//
// Runs on: the hub's loop. Bounded by the head (filters a session) and by the registry (identities).
#pragma once

#include <optional>
#include <vector>

#include "domain/identity.h"
#include "hub_api/hub.h"
#include "storage/state_store.h"

namespace selvage::cloud::sessions {

class StoredSessions {
public:
    explicit StoredSessions(storage::StateStore& store) : store_(store) {}

    async::Awaitable<Result<std::optional<std::vector<hub_api::StoredFilter>>>> load(domain::Identity identity);
    async::Awaitable<Result<>> save(domain::Identity identity, std::vector<hub_api::StoredFilter> filters);
    async::Awaitable<Result<>> forget(domain::Identity identity);

private:
    storage::StateStore& store_;
};

}  // namespace selvage::cloud::sessions
