// The far side of the contract: a hub that writes down what it is asked and answers as the test says. Each identity has one
// session at a time.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "async/event.h"
#include "hub_api/hub.h"

namespace selvage::heads::amqp::testing {

using async::Awaitable;

struct FakeHub;

class FakeSession final : public hub_api::DeviceSession {
public:
    FakeSession(FakeHub& hub, std::string name) : hub_(hub), name_(std::move(name)) {}
    ~FakeSession() override;
    void send_telemetry(domain::Message message, hub_api::SendDone done) override;
    Awaitable<Result<std::string>> get_twin() override;
    Awaitable<Result<std::int64_t>> patch_reported(std::string patch, std::optional<std::int64_t> if_version) override;
    Awaitable<Result<>> subscribe(hub_api::Feed feed, bool on) override;
    void set_window(hub_api::Feed feed, std::uint32_t deliveries_max) override;
    bool settle(hub_api::LockToken token, hub_api::Outcome outcome) override;
    void answer_method(const std::string& request_id, domain::MethodResponse response) override;

private:
    FakeHub& hub_;
    std::string name_;
};

struct FakeHub final : hub_api::Hub {
    explicit FakeHub(async::Executor executor) : gate(executor) { gate.set(); }

    const std::string& host_name() const override { return host; }
    Awaitable<Result<hub_api::Grant>> authenticate(hub_api::Credentials given) override {
        credentials = std::move(given);
        calls.push_back("authenticate " + domain::to_text(credentials.identity));
        co_await gate.wait();
        const bool by_certificate = credentials.sas_token.empty();
        if (by_certificate && credentials.certificate_chain_pem.empty()) co_return fail(Errc::unauthorized, "nothing was presented");
        if (!by_certificate && credentials.sas_token.find("sig=bad") != std::string::npos) co_return fail(Errc::unauthorized, "secret reason");
        if (refusal) co_return fail(*refusal);
        co_return hub_api::Grant{.identity = credentials.identity, .expires = expires, .auth_method = {}, .generation_id = {}};
    }
    Awaitable<Result<std::unique_ptr<hub_api::DeviceSession>>> open(hub_api::Grant grant, hub_api::ConnectionInfo given,
                                                                    std::weak_ptr<hub_api::DeviceSink> sink) override {
        info = std::move(given);
        if (open_refusal) co_return fail(*open_refusal);
        const std::string name = domain::to_text(grant.identity);
        calls.push_back("open " + name);
        if (const auto older = sinks[name].lock()) older->close(hub_api::CloseReason::replaced);
        sinks[name] = std::move(sink);
        ++sessions;
        co_return std::make_unique<FakeSession>(*this, name);
    }
    Awaitable<Result<domain::MethodResponse>> invoke_method(domain::Identity, domain::MethodRequest) override {
        co_return fail(Errc::not_online, "not in this test");
    }
    Awaitable<Result<std::optional<std::vector<hub_api::StoredFilter>>>> load_filters(domain::Identity) override { co_return std::nullopt; }
    Awaitable<Result<>> save_filters(domain::Identity, std::vector<hub_api::StoredFilter>) override { co_return Result<>{}; }
    Awaitable<Result<>> forget_filters(domain::Identity) override { co_return Result<>{}; }

    void deliver(const std::string& name, hub_api::Feed feed, hub_api::LockToken token, domain::Message message) {
        if (const auto to = sinks[name].lock()) to->deliver({.token = token, .feed = feed, .delivery_count = 1, .message = std::move(message)});
    }
    // Finishes held telemetry in order.
    void finish(std::size_t count, Result<> result = {}) {
        for (; count > 0 && !held.empty(); --count) {
            auto done = std::move(held.front());
            held.erase(held.begin());
            done(result);
        }
    }
    std::vector<std::string> take_calls() { return std::exchange(calls, {}); }

    async::Event gate;                  // reset: authenticate() waits
    std::string host = "h.net";
    hub_api::Credentials credentials;
    hub_api::ConnectionInfo info;
    std::optional<Error> refusal, open_refusal, telemetry_refusal, twin_error, subscribe_error;
    std::optional<UtcTime> expires;
    std::map<std::string, std::weak_ptr<hub_api::DeviceSink>> sinks;
    int sessions = 0, closed_sessions = 0;
    std::set<hub_api::LockToken> lost_locks;

    bool hold_telemetry = false;
    std::vector<hub_api::SendDone> held;
    std::vector<domain::Message> telemetry;
    std::string twin = R"({"desired":{"$version":1},"reported":{"$version":1}})";
    std::int64_t reported_version = 1;
    std::vector<std::string> calls;     // in order, but for telemetry
};

inline const char* name_of(hub_api::Feed feed) {
    constexpr const char* kNames[] = {"inputs", "c2d", "methods", "desired"};
    return kNames[static_cast<std::size_t>(feed)];
}

inline FakeSession::~FakeSession() {
    ++hub_.closed_sessions;
    hub_.calls.push_back("close " + name_);
}
inline void FakeSession::send_telemetry(domain::Message message, hub_api::SendDone done) {
    hub_.telemetry.push_back(std::move(message));
    if (hub_.hold_telemetry) hub_.held.push_back(std::move(done));
    else if (hub_.telemetry_refusal) done(fail(*hub_.telemetry_refusal));
    else done({});
}
inline Awaitable<Result<std::string>> FakeSession::get_twin() {
    hub_.calls.push_back("get twin");
    if (hub_.twin_error) co_return fail(*hub_.twin_error);
    co_return hub_.twin;
}
inline Awaitable<Result<std::int64_t>> FakeSession::patch_reported(std::string patch, std::optional<std::int64_t> if_version) {
    hub_.calls.push_back("patch " + patch + (if_version ? " if " + std::to_string(*if_version) : ""));
    if (hub_.twin_error) co_return fail(*hub_.twin_error);
    co_return ++hub_.reported_version;
}
inline Awaitable<Result<>> FakeSession::subscribe(hub_api::Feed feed, bool on) {
    hub_.calls.push_back(name_ + " " + name_of(feed) + (on ? " on" : " off"));
    if (hub_.subscribe_error) co_return fail(*hub_.subscribe_error);
    co_return Result<>{};
}
inline void FakeSession::set_window(hub_api::Feed feed, std::uint32_t deliveries_max) {
    hub_.calls.push_back(std::string("window ") + name_of(feed) + " " + std::to_string(deliveries_max));
}
inline bool FakeSession::settle(hub_api::LockToken token, hub_api::Outcome outcome) {
    constexpr const char* kNames[] = {"completed", "abandoned", "rejected"};
    hub_.calls.push_back("settle " + std::to_string(token) + " " + kNames[static_cast<std::size_t>(outcome)]);
    return !hub_.lost_locks.contains(token);
}
inline void FakeSession::answer_method(const std::string& request_id, domain::MethodResponse response) {
    hub_.calls.push_back("answer " + request_id + " " + std::to_string(response.status) + " " + response.payload);
}

}  // namespace selvage::heads::amqp::testing
