// Connections to the head over streams in memory, in virtual time: every call runs the loop until nothing is left to do.
#pragma once

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "async/task_group.h"
#include "base/encoding.h"
#include "base/time_text.h"
#include "codec/mqtt/packet.h"
#include "heads/mqtt/mqtt_head.h"
#include "heads/mqtt/tests/fake_hub.h"

namespace selvage::heads::mqtt::testing {

namespace packets = codec::mqtt;

inline std::string bytes_of(const packets::Packet& packet) {
    std::string bytes;
    EXPECT_TRUE(packets::encode(packet, bytes));
    return bytes;
}

// "PUBLISH q1 #3 topic|payload", and so on.
inline std::string to_text(const packets::Packet& packet) {
    if (const auto* connack = std::get_if<packets::Connack>(&packet))
        return fmt::format("CONNACK {}{}", static_cast<int>(connack->code), connack->session_present ? " present" : "");
    if (const auto* publish = std::get_if<packets::Publish>(&packet))
        return fmt::format("PUBLISH q{} #{} {}|{}", publish->qos, publish->packet_id, publish->topic, publish->payload);
    if (const auto* puback = std::get_if<packets::Puback>(&packet)) return fmt::format("PUBACK {}", puback->packet_id);
    if (const auto* suback = std::get_if<packets::Suback>(&packet))
        return fmt::format("SUBACK {} {}", suback->packet_id, fmt::join(suback->codes, ","));
    if (const auto* unsuback = std::get_if<packets::Unsuback>(&packet)) return fmt::format("UNSUBACK {}", unsuback->packet_id);
    if (std::holds_alternative<packets::Pingresp>(packet)) return "PINGRESP";
    return "another packet";
}

inline packets::Connect connect_as(std::string id, bool clean = false) {
    packets::Connect connect;
    connect.client_id = id;
    connect.clean_session = clean;
    connect.keep_alive_seconds = 60;
    connect.username = "h.net/" + id + "/?api-version=2021-04-12&DeviceClientType=test%2F1";
    connect.password = "SharedAccessSignature sr=x";
    return connect;
}
inline packets::Publish telemetry_of(std::string_view topic, std::string_view body, std::uint16_t packet_id) {
    return {.topic = topic, .payload = body, .packet_id = packet_id, .qos = static_cast<std::uint8_t>(packet_id == 0 ? 0 : 1)};
}

class HeadTest;

// One client's end.
class Client {
public:
    Client(HeadTest& test, MqttSettings settings, std::size_t buffer_bytes = 65536);
    ~Client();
    void send(const packets::Packet& packet) { send_bytes(bytes_of(packet)); }
    void send_bytes(std::string bytes);
    // What has come since the last call.
    std::vector<std::string> received();
    std::string received_text() { return fmt::format("{}", fmt::join(received(), "\n")); }
    void stop_reading() { reading = false; }
    void close();

    HeadTest& test;
    std::shared_ptr<net::Stream> stream;
    packets::Decoder decoder{{.packet_bytes_max = 1'000'000}};
    std::string bytes;
    bool reading = true;
    bool closed = false;         // the head closed the connection
    bool served = false;         // serve_mqtt has returned
};

class HeadTest : public ::testing::Test {
public:
    boost::asio::io_context loop;
    async::VirtualTime time{loop.get_executor(), from_iso8601("2026-01-01T00:00:00Z").value()};
    SeededRandom random{1};
    FakeHub hub{loop.get_executor()};
    std::vector<std::unique_ptr<Client>> clients;

    void settle_down() {
        loop.restart();
        while (loop.poll() > 0) loop.restart();
    }
    Client& dial(MqttSettings settings = {}, std::size_t buffer_bytes = 65536) {
        clients.push_back(std::make_unique<Client>(*this, settings, buffer_bytes));
        return *clients.back();
    }
    // A client past its CONNACK.
    Client& connected(const packets::Connect& connect, MqttSettings settings = {}) {
        Client& client = dial(settings);
        client.send(connect);
        EXPECT_EQ(client.received_text().substr(0, 9), "CONNACK 0");
        hub.calls.clear();
        return client;
    }
    void advance(std::chrono::seconds by) {
        for (; by.count() > 0; by -= std::chrono::seconds(1)) {
            time.advance(std::chrono::seconds(1));
            settle_down();
        }
    }
    void TearDown() override {
        hub.held.clear();
        for (auto& client : clients) client->close();
        settle_down();
        for (auto& client : clients) EXPECT_TRUE(client->served) << "a connection did not end with its stream";
        EXPECT_EQ(hub.closed_sessions, hub.sessions);
    }
};

inline Awaitable<> read_all(Client& client) {
    std::array<std::byte, 4096> buffer;
    while (client.reading) {
        const auto stream = client.stream;
        const auto count = co_await stream->read_some(buffer);
        if (!count || *count == 0) {
            client.closed = true;
            co_return;
        }
        client.bytes += as_text(std::span<const std::byte>(buffer).first(*count));
    }
}
inline Awaitable<> write_all(std::shared_ptr<net::Stream> stream, std::string bytes) {
    ignore(co_await stream->write(bytes), "the head may have closed");
}

inline Client::Client(HeadTest& t, MqttSettings settings, std::size_t buffer_bytes) : test(t) {
    auto ends = net::make_stream_pair(test.loop.get_executor(), buffer_bytes);
    stream = std::move(ends.first);
    async::spawn_root(test.loop.get_executor(),
                      serve_mqtt(std::move(ends.second), test.hub, test.time, test.random,
                                 std::make_shared<const MqttSettings>(std::move(settings))),
                      [this] { served = true; });
    async::spawn_root(test.loop.get_executor(), read_all(*this), [] {});
    test.settle_down();
}
inline Client::~Client() = default;
inline void Client::send_bytes(std::string sent) {
    async::spawn_root(test.loop.get_executor(), write_all(stream, std::move(sent)), [] {});
    test.settle_down();
}
inline std::vector<std::string> Client::received() {
    std::vector<std::string> texts;
    const std::string now = std::exchange(bytes, {});
    decoder.feed(now);
    for (;;) {
        const auto packet = decoder.next();
        EXPECT_TRUE(packet) << packet.error().detail;
        if (!packet || !*packet) return texts;
        texts.push_back(to_text(**packet));
    }
}
inline void Client::close() {
    stream->close();
    test.settle_down();
}

}  // namespace selvage::heads::mqtt::testing
