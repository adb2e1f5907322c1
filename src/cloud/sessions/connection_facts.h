// When and whether an identity is connected: what the session table sees now, over what the store remembers.
//
// The stored `connected` flag is never believed: after a crash it would be wrong. Only the times are.
// Runs on: the hub's loop.
#pragma once

#include "cloud/sessions/session_table.h"
#include "storage/registry_store.h"

namespace selvage::cloud::sessions {

class ConnectionFacts {
public:
    ConnectionFacts(storage::RegistryStore& store, SessionTable& sessions) : store_(store), sessions_(sessions) {}

    async::Awaitable<storage::ConnectionRecord> of(domain::Identity identity) {
        const auto stored = co_await store_.connection(identity);
        storage::ConnectionRecord record = stored ? *stored : storage::ConnectionRecord{};
        const auto live = sessions_.find(identity);
        record.connected = live != nullptr;
        if (live) {
            record.connected_changed = live->opened;
            record.last_activity = live->last_activity;
        }
        co_return record;
    }

private:
    storage::RegistryStore& store_;
    SessionTable& sessions_;
};

}  // namespace selvage::cloud::sessions
