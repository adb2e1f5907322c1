// Direct methods: a caller's request to a connected device, and the device's answer back.
//
// Runs on: the hub's loop. Bounded: kWaitingMax calls wait for one device; past that calls fail with quota_exceeded.
// Wire: docs/wire/service-rest.md#methods.
#pragma once

#include <cstdint>
#include <string>

#include "async/time_source.h"
#include "cloud/sessions/session_table.h"
#include "domain/direct_method.h"
#include "domain/identity.h"
#include "storage/registry_store.h"

namespace selvage::cloud::methods {

inline constexpr std::size_t kWaitingMax = 64;

class DirectMethods {
public:
    DirectMethods(async::Executor loop, async::TimeSource& time, storage::RegistryStore& store,
                  sessions::SessionTable& sessions)
        : loop_(std::move(loop)), time_(time), store_(store), sessions_(sessions) {}

    // Waits for the device to be there (connect timeout) and for its answer (response timeout). Errors:
    // invalid_argument, device_not_found, module_not_found, not_online, timeout, connection_closed,
    // bad_device_response, quota_exceeded.
    async::Awaitable<Result<domain::MethodResponse>> invoke(domain::Identity target, domain::MethodRequest request);

    // A device's answer. Unknown and late ids are ignored.
    void answer(sessions::LiveSession& session, const std::string& request_id, domain::MethodResponse response);

private:
    async::Awaitable<Result<std::shared_ptr<sessions::LiveSession>>> listening(domain::Identity target,
                                                                               std::chrono::seconds connect_timeout);

    async::Executor loop_;
    async::TimeSource& time_;
    storage::RegistryStore& store_;
    sessions::SessionTable& sessions_;
    std::uint64_t last_id_ = 0;
};

}  // namespace selvage::cloud::methods
