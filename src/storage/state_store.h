// A small durable map: bucket and key to bytes. For what must survive a restart and is small: twin caches, MQTT sessions,
// scope caches, the last deployment.
//
// Runs on: called on a loop; the database works on a thread of its own and commits whatever has gathered in one go (group
// commit). A write that returned is durable. Memory: nothing is cached here.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/awaitable.h"
#include "base/result.h"

namespace selvage::storage {

class StateStore {
public:
    virtual ~StateStore() = default;
    virtual async::Awaitable<Result<std::optional<std::string>>> get(std::string bucket, std::string key) = 0;
    // All entries of a bucket, ordered by key.
    virtual async::Awaitable<Result<std::vector<std::pair<std::string, std::string>>>> list(std::string bucket) = 0;
    // Errors: quota_exceeded (disk full), io_error.
    virtual async::Awaitable<Result<>> put(std::string bucket, std::string key, std::string value) = 0;
    virtual async::Awaitable<Result<>> erase(std::string bucket, std::string key) = 0;
    // Waits for work under way and closes. Call before destruction.
    virtual async::Awaitable<> stop() = 0;
};

}  // namespace selvage::storage
