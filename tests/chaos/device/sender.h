// One identity of the load: sends numbered telemetry with QoS 1, follows its twin, takes C2D messages, and writes all of it
// into the journal.
//
// After a loss it sends again from the first number that was not acknowledged, so on arrival first occurrences are 1, 2, 3, …
// without a gap, whatever happened in between. Runs on: one loop.
#pragma once

#include <memory>
#include <string>

#include "async/event.h"
#include "async/task_group.h"
#include "base/random.h"
#include "codec/connection_string/connection_string.h"
#include "device/journal.h"
#include "device_client/device_client.h"

namespace selvage::chaos {

using async::Awaitable;

struct SenderSettings {
    std::shared_ptr<net::TlsClientContext> tls;
    std::chrono::milliseconds interval{100};      // between messages, on average
    std::size_t window = 8;
    std::chrono::seconds keep_alive{20};
    std::chrono::seconds reconnect_max{2};        // faults come every few seconds: no fleet is to be spared here
    std::chrono::seconds token_lifetime{300};
};

class Sender {
public:
    Sender(async::Executor loop, async::TimeSource& time, Random& random, net::Dialer& dialer, Journal& journal,
           const codec::ConnectionString& identity, SenderSettings settings);

    void start();
    Awaitable<> stop();

private:
    Awaitable<> send_telemetry();
    Awaitable<> read_twin();
    Awaitable<> report();
    domain::Message message(std::uint64_t number) const;
    void settle(std::uint64_t number, const Result<>& result);
    void take_desired(std::int64_t version, std::int64_t number);

    async::TimeSource& time_;
    Random& random_;
    Journal& journal_;
    SenderSettings settings_;
    std::string id_;
    bool is_module_;
    std::unique_ptr<device_client::TokenSource> tokens_;
    std::unique_ptr<device_client::DeviceClient> client_;
    Progress progress_;
    std::uint64_t next_;
    std::int64_t desired_version_ = -1;
    std::int64_t desired_ = 0;
    async::Event twin_wanted_;
    async::Event report_wanted_;
    async::TaskGroup tasks_;
};

}  // namespace selvage::chaos
