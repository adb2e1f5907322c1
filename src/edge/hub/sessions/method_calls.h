// Direct methods on their way to this hub's clients and back.
//
// Runs on: the hub's loop. Bounded: `calls_max` at once; each has its response timeout, and waits for the client to listen
// no longer than its connect timeout.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "async/event.h"
#include "async/time_source.h"
#include "base/random.h"
#include "domain/direct_method.h"
#include "edge/hub/counters.h"
#include "edge/hub/sessions/client_session.h"

namespace selvage::edge::hub {

class MethodCalls {
public:
    // Hands a request to the identity's client if that listens; false otherwise.
    using Deliver = std::function<bool(const domain::Identity&, const std::string& request_id, const domain::MethodRequest&)>;

    MethodCalls(async::Executor loop, async::TimeSource& time, Random& random, HubCounters& counters, Deliver deliver,
                std::size_t calls_max = 1000);

    // Errors: invalid_argument, not_online, timeout (also when the client leaves meanwhile), throttled.
    async::Awaitable<Result<domain::MethodResponse>> invoke(domain::Identity target, domain::MethodRequest request);

    // The identity's client has begun to listen.
    void listening(const domain::Identity& identity);
    void answered(const domain::Identity& identity, const std::string& request_id, domain::MethodResponse response);
    void session_ended(const domain::Identity& identity);

private:
    struct Call {
        Call(async::Executor loop, domain::Identity who) : target(std::move(who)), ended(std::move(loop)) {}
        domain::Identity target;
        std::optional<domain::MethodResponse> response;
        async::Event ended;
    };
    struct Waiting {
        explicit Waiting(async::Executor loop) : woken(std::move(loop)) {}
        async::Event woken;
    };
    async::Awaitable<bool> deliver_in_time(std::string request_id, domain::Identity target, domain::MethodRequest request);

    async::Executor loop_;
    async::TimeSource& time_;
    Random& random_;
    HubCounters& counters_;
    Deliver deliver_;
    std::size_t calls_max_;
    std::map<std::string, std::shared_ptr<Call>> calls_;
    std::multimap<domain::Identity, std::shared_ptr<Waiting>> waiting_;
};

}  // namespace selvage::edge::hub
