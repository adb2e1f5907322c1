// What is so of an identity right now, beside what the registry keeps: its connection and the messages that wait for it.
//
// The stored `connected` flag is never believed: after a crash it would be wrong. Only the times are.
// Runs on: the hub's loop.
#pragma once

#include "cloud/sessions/session_table.h"
#include "storage/mailbox_store.h"
#include "storage/registry_store.h"

namespace selvage::cloud::sessions {

struct Facts {
    storage::ConnectionRecord connection;
    std::int64_t messages_waiting = 0;
};

class IdentityFacts {
public:
    IdentityFacts(storage::RegistryStore& store, storage::MailboxStore& mailboxes, SessionTable& sessions)
        : store_(store), mailboxes_(mailboxes), sessions_(sessions) {}

    async::Awaitable<Facts> of(domain::Identity identity, std::string generation_id) {
        Facts facts;
        if (const auto stored = co_await store_.connection(identity)) facts.connection = *stored;
        // Modules have no mailboxes.
        if (!identity.is_module()) {
            const auto waiting =
                co_await mailboxes_.count({.device_id = identity.device, .generation_id = std::move(generation_id)});
            if (waiting) facts.messages_waiting = *waiting;
        }
        if (const auto newer = sessions_.unsaved().find(identity); newer != sessions_.unsaved().end()) {
            const std::string model_id = std::exchange(facts.connection, newer->second).model_id;
            if (facts.connection.model_id.empty()) facts.connection.model_id = model_id;
        }
        const auto live = sessions_.find(identity);
        facts.connection.connected = live != nullptr;
        if (live) {
            facts.connection.connected_changed = live->opened;
            facts.connection.last_activity = live->last_activity;
            if (!live->model_id.empty()) facts.connection.model_id = live->model_id;
        }
        co_return facts;
    }

private:
    storage::RegistryStore& store_;
    storage::MailboxStore& mailboxes_;
    SessionTable& sessions_;
};

}  // namespace selvage::cloud::sessions
