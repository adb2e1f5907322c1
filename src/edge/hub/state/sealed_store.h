// A StateStore whose values are encrypted, each bound to its bucket and key.
//
// Runs on: the hub's loop. A value that cannot be opened (another key, damaged) counts as absent and is logged: all that is
// kept here is a copy of what the hub above knows.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "storage/state_store.h"

namespace selvage::edge::hub {

class SealedStore {
public:
    // `key`: 32 bytes; zeroed with the store. `store` and `random` outlive it.
    SealedStore(storage::StateStore& store, Random& random, std::string key);
    ~SealedStore();
    SealedStore(const SealedStore&) = delete;
    SealedStore& operator=(const SealedStore&) = delete;

    async::Awaitable<Result<std::optional<std::string>>> get(std::string bucket, std::string key);
    // What could be opened, ordered by key.
    async::Awaitable<Result<std::vector<std::pair<std::string, std::string>>>> list(std::string bucket);
    async::Awaitable<Result<>> put(std::string bucket, std::string key, std::string value);
    async::Awaitable<Result<>> erase(std::string bucket, std::string key);

private:
    std::optional<std::string> open(const std::string& bucket, const std::string& key, std::string_view stored) const;

    storage::StateStore& store_;
    Random& random_;
    std::string key_;
};

}  // namespace selvage::edge::hub
