// The hub above, as far as the scope goes.
#pragma once

#include <map>

#include "async/event.h"
#include "edge/hub/scope/scope_api.h"

namespace selvage::edge::hub::testing {

class FakeScopeApi final : public ScopeApi {
public:
    explicit FakeScopeApi(const async::Executor& loop) : answering(loop), delivering_lists(loop) {
        answering.set();
        delivering_lists.set();
    }

    async::Awaitable<Result<ScopePage>> list(std::string continuation) override {
        ++lists;
        if (!reachable) co_return fail(Errc::unavailable, "offline");
        // Two pages, to have a seam.
        ScopePage page;
        for (const auto& [identity, entry] : identities)
            if ((identity.device < "m") == continuation.empty() && !hidden_from_list.contains(identity))
                page.identities.push_back(entry);
        if (continuation.empty()) page.continuation = "second";
        co_await delivering_lists.wait();
        co_return page;
    }
    async::Awaitable<Result<ScopeIdentity>> get(domain::Identity identity) override {
        ++gets;
        co_await answering.wait();
        if (!reachable) co_return fail(Errc::unavailable, "offline");
        const auto found = identities.find(identity);
        if (found == identities.end()) co_return fail(Errc::not_found, "unknown");
        co_return found->second;
    }
    void add(domain::Identity identity, std::string primary, bool enabled = true) {
        identities[identity] = {.identity = identity,
                                .generation_id = "g",
                                .enabled = enabled,
                                .uses_sas = true,
                                .primary_key = std::move(primary),
                                .secondary_key = "c2Vjb25kYXJ5"};
    }

    std::map<domain::Identity, ScopeIdentity> identities;
    std::set<domain::Identity> hidden_from_list;
    bool reachable = true;
    int lists = 0;
    int gets = 0;
    async::Event answering;
    async::Event delivering_lists;     // not set: a listing's page is made, and on its way
};

class RecordingScopeListener final : public ScopeListener {
public:
    void identity_changed(const ScopeIdentity& identity) override { changed.push_back(to_text(identity.identity)); }
    void identity_removed(const domain::Identity& identity) override { removed.push_back(to_text(identity)); }
    std::vector<std::string> changed, removed;
};

}  // namespace selvage::edge::hub::testing
