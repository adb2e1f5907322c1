// The far end of our HTTP clients: a server that answers out of the input, whatever it is asked.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task_group.h"
#include "net/dial.h"
#include "net/http.h"

namespace selvage::fuzz {

// An answer is a letter for its status, then its body. Without answers the server is busy (503).
class AnsweringDialer final : public net::Dialer {
public:
    AnsweringDialer(async::Executor loop, async::TimeSource& time, std::vector<std::string_view> answers)
        : loop_(loop), time_(time), answers_(std::move(answers)), connections_(std::move(loop)) {}

    async::Awaitable<Result<std::unique_ptr<net::Stream>>> dial(net::Target, std::chrono::milliseconds) override {
        auto [near, far] = net::make_stream_pair(loop_);
        const auto answer = [this](net::HttpRequest) -> async::Awaitable<net::HttpResponse> { co_return next(); };
        connections_.spawn("answers", net::serve_http(std::move(far), time_, {}, answer));
        co_return std::move(near);
    }
    async::Awaitable<> stop() { return connections_.stop(); }

private:
    net::HttpResponse next() {
        static constexpr std::array kStatuses = {200, 201, 204, 304, 400, 401, 403, 404, 409, 412, 422, 429, 500, 503, 200, 200};
        net::HttpResponse response;
        response.status = 503;
        if (next_ == answers_.size()) return response;
        const auto answer = answers_[next_++];
        if (answer.empty()) return response;
        response.status = kStatuses[static_cast<unsigned char>(answer.front()) % kStatuses.size()];
        response.headers.set("Content-Type", "application/json");
        response.body = answer.substr(1);
        return response;
    }

    async::Executor loop_;
    async::TimeSource& time_;
    std::vector<std::string_view> answers_;
    std::size_t next_ = 0;
    async::TaskGroup connections_;
};

}  // namespace selvage::fuzz
