// The far side of the contract: a hub with a mailbox that writes down what it is asked; and the head over it, in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include <deque>
#include <map>

#include "async/task_group.h"
#include "base/json.h"
#include "base/time_text.h"
#include "heads/http/http_head.h"

namespace selvage::heads::http::testing {

using domain::SystemProperty;

struct FakeHub;

class FakeSession final : public hub_api::DeviceSession {
public:
    FakeSession(FakeHub& hub, std::weak_ptr<hub_api::DeviceSink> sink) : hub_(hub), sink_(std::move(sink)) {}
    ~FakeSession() override;
    void send_telemetry(domain::Message message, hub_api::SendDone done) override;
    Awaitable<Result<std::string>> get_twin() override { co_return fail(Errc::unsupported, "not in these tests"); }
    Awaitable<Result<std::int64_t>> patch_reported(std::string, std::optional<std::int64_t>) override {
        co_return fail(Errc::unsupported, "not in these tests");
    }
    Awaitable<Result<>> subscribe(hub_api::Feed feed, bool on) override;
    void set_window(hub_api::Feed, std::uint32_t deliveries_max) override { window_ = deliveries_max; }
    bool settle(hub_api::LockToken token, hub_api::Outcome outcome) override;
    void answer_method(const std::string&, domain::MethodResponse) override {}

private:
    FakeHub& hub_;
    std::weak_ptr<hub_api::DeviceSink> sink_;
    std::uint32_t window_ = 0;
    std::map<hub_api::LockToken, domain::Message> unsettled_;
};

struct FakeHub final : hub_api::Hub {
    const std::string& host_name() const override { return host; }
    Awaitable<Result<hub_api::Grant>> authenticate(hub_api::Credentials given) override {
        credentials = std::move(given);
        if (refusal) co_return fail(*refusal);
        co_return hub_api::Grant{.identity = credentials.identity, .expires = {}, .auth_method = {}, .generation_id = {}};
    }
    Awaitable<Result<std::unique_ptr<hub_api::DeviceSession>>> open(hub_api::Grant grant, hub_api::ConnectionInfo given,
                                                                    std::weak_ptr<hub_api::DeviceSink> sink) override {
        opened_as = grant.identity;
        info = std::move(given);
        ++sessions;
        co_return std::make_unique<FakeSession>(*this, std::move(sink));
    }
    Awaitable<Result<domain::MethodResponse>> invoke_method(domain::Identity, domain::MethodRequest) override {
        co_return fail(Errc::unsupported, "not in these tests");
    }
    Awaitable<Result<std::optional<std::vector<hub_api::StoredFilter>>>> load_filters(domain::Identity) override {
        co_return std::nullopt;
    }
    Awaitable<Result<>> save_filters(domain::Identity, std::vector<hub_api::StoredFilter>) override { co_return Result<>{}; }
    Awaitable<Result<>> forget_filters(domain::Identity) override { co_return Result<>{}; }

    std::string host = "h.net";
    hub_api::Credentials credentials;
    hub_api::ConnectionInfo info;
    domain::Identity opened_as;
    std::optional<Error> refusal;
    int sessions = 0;
    int closed_sessions = 0;

    std::vector<domain::Message> telemetry;
    std::map<std::size_t, Error> refused_telemetry;    // by number, from 0
    bool hold_telemetry = false;
    std::vector<hub_api::SendDone> held;

    std::deque<domain::Message> mailbox;
    hub_api::LockToken last_token = 0;
    std::vector<std::string> settled;                  // "body completed"
};

inline FakeSession::~FakeSession() {
    ++hub_.closed_sessions;
    for (auto& [token, message] : unsettled_)
        hub_.mailbox.push_front(std::move(message));
}
inline void FakeSession::send_telemetry(domain::Message message, hub_api::SendDone done) {
    const auto refused = hub_.refused_telemetry.find(hub_.telemetry.size());
    hub_.telemetry.push_back(std::move(message));
    if (hub_.hold_telemetry) hub_.held.push_back(std::move(done));
    else if (refused != hub_.refused_telemetry.end()) done(fail(refused->second));
    else done({});
}
inline Awaitable<Result<>> FakeSession::subscribe(hub_api::Feed feed, bool on) {
    EXPECT_EQ(feed, hub_api::Feed::c2d);
    EXPECT_TRUE(on);
    while (!hub_.mailbox.empty() && unsettled_.size() < window_) {
        unsettled_[++hub_.last_token] = hub_.mailbox.front();
        if (const auto sink = sink_.lock())
            sink->deliver({hub_.last_token, feed, 1, hub_.mailbox.front()});
        hub_.mailbox.pop_front();
    }
    co_return Result<>{};
}
inline bool FakeSession::settle(hub_api::LockToken token, hub_api::Outcome outcome) {
    constexpr const char* kNames[] = {"completed", "abandoned", "rejected"};
    auto found = unsettled_.extract(token);
    if (!found) return false;
    hub_.settled.push_back(found.mapped().body + " " + kNames[static_cast<std::size_t>(outcome)]);
    if (outcome == hub_api::Outcome::abandoned) hub_.mailbox.push_front(std::move(found.mapped()));
    return true;
}

class HttpHeadTest : public ::testing::Test {
protected:
    boost::asio::io_context loop;
    async::VirtualTime time{loop.get_executor(), from_iso8601("2026-01-01T00:00:00Z").value()};
    SeededRandom random{1};
    FakeHub hub;
    HttpHeadSettings settings;
    std::unique_ptr<HttpHead> head;

    using Fields = std::vector<std::pair<std::string, std::string>>;
    std::optional<net::HttpResponse> answer;

    void settle_down() {
        loop.restart();
        while (loop.poll() > 0)
            loop.restart();
    }
    // Until the request waits for something outside; `answer` is empty then.
    void begin(std::string method, std::string target, Fields fields = {}, std::string body = {}) {
        if (!head) head = std::make_unique<HttpHead>(loop.get_executor(), hub, time, random, settings);
        net::HttpRequest request{.method = std::move(method), .target = std::move(target), .headers = {}, .body = std::move(body)};
        request.headers.fields = std::move(fields);
        request.headers.set("Authorization", "SharedAccessSignature sr=x");
        EXPECT_TRUE(HttpHead::takes(request.target)) << request.target;
        answer.reset();
        async::spawn_root(loop.get_executor(), ask(std::move(request)), [] {});
        settle_down();
    }
    net::HttpResponse call(std::string method, std::string target, Fields fields = {}, std::string body = {}) {
        begin(std::move(method), std::move(target), std::move(fields), std::move(body));
        EXPECT_TRUE(answer) << "no answer";
        return answer ? *answer : net::HttpResponse{.status = 0};
    }
    Awaitable<> ask(net::HttpRequest request) { answer = co_await head->handle(std::move(request)); }
    static std::string error_of(const net::HttpResponse& response) {
        const auto body = parse_json_object(response.body);
        EXPECT_TRUE(body) << response.body;
        const std::string message(body ? find_text(*body, "Message") : "");
        EXPECT_EQ(message.substr(0, message.find(';')), "ErrorCode:" + std::string(response.headers.get("iothub-errorcode")));
        return std::to_string(response.status) + " " + std::string(response.headers.get("iothub-errorcode"));
    }
    void TearDown() override {
        hub.held.clear();
        head.reset();
        EXPECT_EQ(hub.closed_sessions, hub.sessions) << "a session outlived the head";
    }
};

}  // namespace selvage::heads::http::testing
