// The far end of the upstream wire: a cloud that takes, acknowledges and loses connections as a test tells it.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <vector>

#include "async/event.h"
#include "edge/hub/upstream/upstream_link.h"

namespace selvage::edge::hub::testing {

class FakeLink final : public UpstreamLink {
public:
    FakeLink(async::Executor loop, std::vector<std::string>& received, std::size_t window)
        : received_(received), window_(window), room_(loop), connected_(loop) {
        connect();
    }

    bool is_connected() const override { return up_; }
    async::Awaitable<bool> connected() override {
        co_await connected_.wait();
        co_return !stopped_;
    }
    bool send(const domain::Message& message, SendDone done) override {
        if (!up_ || in_flight_.size() >= window_) return false;
        in_flight_.push_back({message.body, std::move(done)});
        if (in_flight_.size() >= window_) room_.reset();
        return true;
    }
    async::Awaitable<bool> room() override {
        while (!stopped_ && !(up_ && in_flight_.size() < window_)) co_await room_.wait();
        co_return !stopped_;
    }
    async::Awaitable<Result<std::string>> get_twin() override { co_return twin; }
    async::Awaitable<Result<std::int64_t>> patch_reported(std::string patch) override {
        patches.push_back(patch);
        co_return patch_answer;
    }

    // The cloud takes the oldest messages and says so.
    void acknowledge(std::size_t count) {
        for (; count > 0 && !in_flight_.empty(); --count) {
            auto first = std::move(in_flight_.front());
            in_flight_.pop_front();
            received_.push_back(first.body);
            if (up_) room_.set();
            first.done(Result<>{});
        }
    }
    void refuse_oldest(Errc code) {
        auto first = std::move(in_flight_.front());
        in_flight_.pop_front();
        room_.set();
        first.done(fail(code, "refused"));
    }
    // The cloud takes `taken` messages, and the connection ends before it can say so.
    void disconnect(std::size_t taken) {
        up_ = false;
        room_.reset();
        connected_.reset();
        auto lost = std::move(in_flight_);
        in_flight_.clear();
        for (auto& item : lost) {
            if (taken > 0) {
                --taken;
                received_.push_back(item.body);
            }
            item.done(fail(Errc::connection_closed, "lost"));
        }
    }
    void connect() {
        up_ = true;
        room_.set();
        connected_.set();
    }
    void stop() {
        stopped_ = true;
        disconnect(0);
        room_.set();
        connected_.set();
    }
    std::size_t in_flight() const { return in_flight_.size(); }

    Result<std::string> twin = fail(Errc::unavailable, "no twin");
    Result<std::int64_t> patch_answer = 1;
    std::vector<std::string> patches;

private:
    struct Item {
        std::string body;
        SendDone done;
    };
    std::vector<std::string>& received_;
    std::size_t window_;
    std::deque<Item> in_flight_;
    async::Event room_;
    async::Event connected_;
    bool up_ = false;
    bool stopped_ = false;
};

class FakeLinks final : public LinkSource {
public:
    explicit FakeLinks(async::Executor loop, std::size_t window = 8) : loop_(std::move(loop)), window_(window) {}
    std::shared_ptr<UpstreamLink> link(const domain::Identity& identity) override {
        if (is_gone(identity)) return nullptr;
        return of(identity);
    }
    bool is_gone(const domain::Identity& identity) const override { return gone.contains(identity); }
    bool is_online() const override { return online; }

    std::shared_ptr<FakeLink> of(const domain::Identity& identity) {
        auto& found = links[identity];
        if (!found) found = std::make_shared<FakeLink>(loop_, received[identity], window_);
        return found;
    }

    std::map<domain::Identity, std::shared_ptr<FakeLink>> links;
    std::map<domain::Identity, std::vector<std::string>> received;
    std::set<domain::Identity> gone;
    bool online = true;

private:
    async::Executor loop_;
    std::size_t window_;
};

}  // namespace selvage::edge::hub::testing
