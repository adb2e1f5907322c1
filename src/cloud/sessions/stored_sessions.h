// MQTT sessions that outlive their connection: the filters of an identity, kept in the state store.
//
// Runs on: the hub's loop. Bounded by the head (filters a session) and by the registry (identities).
#pragma once

#include <optional>
#include <unordered_set>
#include <vector>

#include "domain/identity.h"
#include "hub_api/hub.h"
#include "storage/state_store.h"

namespace selvage::cloud::sessions {

class StoredSessions {
public:
    explicit StoredSessions(storage::StateStore& store) : store_(store) {}

    // Learns who has one, so that the many who do not cost no write each time they come. Works without, too.
    async::Awaitable<Result<>> start();

    async::Awaitable<Result<std::optional<std::vector<hub_api::StoredFilter>>>> load(domain::Identity identity);
    async::Awaitable<Result<>> save(domain::Identity identity, std::vector<hub_api::StoredFilter> filters);
    async::Awaitable<Result<>> forget(domain::Identity identity);

private:
    storage::StateStore& store_;
    // Hashes of the identities that have or had one; two with the same hash cost a write, and nothing is forgotten by mistake.
    std::optional<std::unordered_set<std::size_t>> known_;
};

}  // namespace selvage::cloud::sessions
