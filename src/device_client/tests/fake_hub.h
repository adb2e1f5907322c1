// The far end of a device client's wire: accepts connections in memory and does what the test tells it, packet by packet.
//
// World owns loop, time, hub and client, and moves time to the next sleeper: a test of an hour takes milliseconds.
#pragma once

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <deque>

#include "async/task_group.h"
#include "async/tests/run.h"
#include "codec/mqtt/packet.h"
#include "device_client/device_client.h"

namespace selvage::device_client::testing {

// A packet that the hub has read, with texts of its own.
struct Published {
    std::string topic;
    std::string payload;
    std::uint16_t packet_id = 0;
    std::uint8_t qos = 0;
};

// One accepted connection, hub side.
struct HubEnd {
    std::shared_ptr<net::Stream> stream;
    std::optional<codec::mqtt::Connect> connect;
    std::vector<codec::mqtt::Filter> filters;
    std::vector<Published> published;
    std::vector<std::uint16_t> acknowledged;
    int pings = 0;
    int reads = 0;
    bool said_goodbye = false;
    bool closed = false;         // by the client
};

class FakeHub final : public net::Dialer {
public:
    FakeHub(boost::asio::io_context& loop) : loop_(loop), tasks_(loop.get_executor()) {}

    Awaitable<Result<std::unique_ptr<net::Stream>>> dial(net::Target target, std::chrono::milliseconds timeout) override;
    // Sends a packet to the client.
    void send(HubEnd& end, const codec::mqtt::Packet& packet);
    void drop(HubEnd& end) { end.stream->close(); }
    Awaitable<> stop();

    HubEnd& last() { return *ends.back(); }

    bool reachable = true;
    bool answers_pings = true;
    codec::mqtt::ConnectCode connect_code = codec::mqtt::ConnectCode::accepted;
    std::uint8_t suback_code = 0;
    // What to do with telemetry; by default PUBACK.
    std::function<void(HubEnd&, const Published&)> on_publish;
    std::vector<std::shared_ptr<HubEnd>> ends;
    std::vector<net::Target> targets;

private:
    Awaitable<> serve(std::shared_ptr<HubEnd> end);
    Awaitable<> write(std::shared_ptr<net::Stream> stream, std::string bytes);
    void handle(HubEnd& end, const codec::mqtt::Packet& packet);

    boost::asio::io_context& loop_;
    async::TaskGroup tasks_;
};

// Counts what it was asked for; fails while `broken`.
class CountedTokens final : public TokenSource {
public:
    Awaitable<Result<std::string>> token(std::string resource, UtcTime expires) override;
    std::vector<std::string> resources;
    std::vector<UtcTime> expiries;
    bool broken = false;
};

struct World {
    World();
    ~World();
    // Lets everything run that can run now.
    void settle();
    // Lets `duration` pass, waking each sleeper at its time.
    void pass(Duration duration);
    void start(Handlers handlers = {});

    boost::asio::io_context loop;
    async::VirtualTime time;
    SeededRandom random{7};
    FakeHub hub;
    CountedTokens tokens;
    ClientSettings settings;
    std::unique_ptr<DeviceClient> client;
    std::vector<LinkState> states;
    std::vector<Error> losses;
};

domain::Message message(std::string body);

}  // namespace selvage::device_client::testing
