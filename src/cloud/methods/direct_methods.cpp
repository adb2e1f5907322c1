#include "cloud/methods/direct_methods.h"

#include <fmt/core.h>

#include <algorithm>

#include "async/deadline.h"
#include "base/json.h"

namespace selvage::cloud::methods {

using domain::MethodRequest;
using domain::MethodResponse;
using sessions::LiveSession;

namespace {

// The Node service SDK gives its own request up after exactly the timeouts it asked for, so the answer goes out just
// before.
constexpr std::chrono::milliseconds kAnswerBefore{250};

struct Answer {
    explicit Answer(async::Executor loop) : there(std::move(loop)) {}
    std::optional<Result<MethodResponse>> value;
    async::Event there;
};

async::Awaitable<> wait_for(std::shared_ptr<Answer> answer) {
    co_await answer->there.wait();
}

bool listens(const std::shared_ptr<LiveSession>& session) {
    return session && session->wants_methods;
}

Result<MethodResponse> check_answer(Result<MethodResponse> answer) {
    if (!answer) return answer;
    if (answer->payload.size() > domain::kMethodPayloadBytesMax) {
        return fail(Errc::bad_device_response, "the device answered with more than 131072 bytes");
    }
    if (!answer->payload.empty() && !parse_json(answer->payload)) {
        return fail(Errc::bad_device_response, "the device's answer is not JSON");
    }
    return answer;
}

}  // namespace

async::Awaitable<Result<std::shared_ptr<LiveSession>>> DirectMethods::listening(domain::Identity target,
                                                                                std::chrono::seconds connect_timeout) {
    const TimePoint until = time_.now() + connect_timeout;
    while (true) {
        const auto session = sessions_.find(target);
        if (listens(session)) co_return session;
        const auto left = until - time_.now();
        if (left <= Duration::zero()) co_return fail(Errc::not_online, "Timed out waiting for device to connect.");
        co_await async::run_for(time_, left, sessions_.wait_for_methods(target));
    }
}

async::Awaitable<Result<MethodResponse>> DirectMethods::invoke(domain::Identity target, MethodRequest request) {
    SELVAGE_CO_CHECK(domain::check(request));
    SELVAGE_CO_CHECK(co_await store_.device(target.device));
    if (target.is_module()) SELVAGE_CO_CHECK(co_await store_.module(target.device, target.module));
    SELVAGE_CO_TRY(const auto session, co_await listening(target, request.connect_timeout));
    if (session->methods_waiting.size() >= kWaitingMax) {
        co_return fail(Errc::quota_exceeded, fmt::format("{} direct methods wait for an answer of this device, as many as may",
                                                         session->methods_waiting.size()));
    }
    const auto answer = std::make_shared<Answer>(loop_);
    const std::string id = std::to_string(++last_id_);
    session->methods_waiting.emplace(id, [answer](Result<MethodResponse> value) {
        answer->value = std::move(value);
        answer->there.set();
    });
    // Held no longer than that: some sinks own their session, which then could not end while we wait.
    if (const auto sink = session->sink.lock()) {
        sink->invoke_method(id, request);
    } else {
        session->methods_waiting.erase(id);
        co_return fail(Errc::not_online, "Timed out waiting for device to connect.");
    }
    const Duration patience = std::max<Duration>(request.response_timeout - kAnswerBefore, kAnswerBefore);
    co_await async::run_for(time_, patience, wait_for(answer));
    session->methods_waiting.erase(id);
    if (!answer->value) co_return fail(Errc::timeout, "Timed out waiting for the response from device.");
    co_return check_answer(*std::move(answer->value));
}

void DirectMethods::answer(LiveSession& session, const std::string& request_id, MethodResponse response) {
    const auto waiting = session.methods_waiting.find(request_id);
    if (waiting == session.methods_waiting.end()) return;
    auto done = std::move(waiting->second);
    session.methods_waiting.erase(waiting);
    done(std::move(response));
}

}  // namespace selvage::cloud::methods
