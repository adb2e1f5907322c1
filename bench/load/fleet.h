// A share of the fleet on a loop and a thread of its own: connects its devices, makes them send, counts.
//
// Counters are read by main while it runs; the latencies after join().
#pragma once

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "async/event.h"
#include "async/task_group.h"
#include "base/random.h"
#include "codec/connection_string/connection_string.h"
#include "device_client/device_client.h"
#include "load/latency.h"

namespace selvage::bench {

struct LoadSettings {
    net::Target target;                    // host is replaced by each device's
    std::size_t window = 1;
    double messages_per_second = 0;        // of one device; 0: closed loop
    std::size_t body_bytes = 256;
};

struct Counters {
    std::atomic<int> connected{0};
    std::atomic<std::uint64_t> acknowledged{0};
    std::atomic<std::uint64_t> lost{0};
    std::atomic<bool> measuring{false};    // set by main: latencies count from here on
};

class Fleet {
public:
    Fleet(std::vector<codec::ConnectionString> devices, LoadSettings settings, Counters& counters);
    ~Fleet();
    void start();
    // Stops sending and disconnects. From another thread.
    void stop();
    void join() { thread_.join(); }
    const Latencies& latencies() const { return latencies_; }

private:
    struct Device;

    async::Awaitable<> run();
    async::Awaitable<> send_in_closed_loop(Device* device);
    async::Awaitable<> send_at_rate(Device* device);
    bool send(Device& device, TimePoint since);

    boost::asio::io_context loop_{1};
    LoadSettings settings_;
    Counters& counters_;
    async::SystemTime time_;
    SystemRandom random_;
    std::unique_ptr<net::Dialer> dialer_;
    domain::Message message_;
    Latencies latencies_;
    async::Event stopping_;
    async::TaskGroup senders_;
    std::vector<std::unique_ptr<Device>> devices_;
    std::thread thread_;
};

}  // namespace selvage::bench
