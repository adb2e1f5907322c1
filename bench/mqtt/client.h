// One MQTT connection of the load generator: as little work per packet as can be, since it shares the machine with the
// server it measures.
//
// Runs on: one loop. Order of calls: connect(), then maybe subscribe(), then read() until it returns; send() in between.
// All that is sent in one turn of the loop goes out in one write.
#pragma once

#include <functional>
#include <memory>

#include "async/task_group.h"
#include "async/time_source.h"
#include "codec/mqtt/packet.h"
#include "mqtt/accounts.h"
#include "net/dial.h"

namespace selvage::bench {

using async::Awaitable;

class Client {
public:
    using OnPacket = std::function<void(const codec::mqtt::Packet&)>;

    explicit Client(async::Executor loop) : tasks_(std::move(loop)) {}

    // Dials and waits for CONNACK. Errors: the dialer's; unauthorized with the CONNACK's code.
    Awaitable<Result<>> connect(net::Dialer& dialer, net::Target target, const Account& account);
    // With QoS 1; waits for SUBACK. Errors: forbidden when it is refused.
    Awaitable<Result<>> subscribe(std::string filter);
    // Hands each packet to `on_packet` until the connection ends: the error says how.
    Awaitable<Result<>> read(OnPacket on_packet);
    void send(const codec::mqtt::Packet& packet);
    // DISCONNECT, then the connection is dropped. Joins what is under way.
    Awaitable<> stop();

private:
    Awaitable<Result<>> next_bytes();
    // The next packet, which must be an answer of type T.
    template <class T>
    Awaitable<Result<T>> answer();
    Awaitable<> flush();

    std::unique_ptr<net::Stream> stream_;
    codec::mqtt::Decoder decoder_;
    std::string output_;
    bool flushing_ = false;
    async::TaskGroup tasks_;
};

}  // namespace selvage::bench
