// One AMQP connection of the load generator: TLS, no SASL layer, one AMQP session.
//
// Runs on: one loop. Order of calls: connect(), then maybe put_token(), then attaches, then read() until it returns; the
// engine's calls and touch() in between. All that is said in one turn of the loop goes out in one write. It keeps no idle
// time: runs are shorter than any server's patience with a silent client.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "async/task_group.h"
#include "codec/amqp/engine.h"
#include "mqtt/accounts.h"
#include "net/dial.h"

namespace selvage::bench {

using async::Awaitable;
namespace wire = codec::amqp;

class AmqpClient {
public:
    using OnEvent = std::function<void(wire::Event&)>;

    explicit AmqpClient(async::Executor loop) : loop_(loop), tasks_(std::move(loop)) {}

    // Dials, and with `opens` also opens the connection and a session. Errors: the dialer's; the server's condition.
    Awaitable<Result<>> connect(net::Dialer& dialer, net::Target target, const std::string& name, bool opens = true);
    // On $cbs. Errors: unauthorized with the status of the answer.
    Awaitable<Result<>> put_token(const Account& account);
    // Attaches a link that sends to `address`, or receives from it with `credit`. Errors: the condition of a refusal.
    Awaitable<Result<wire::LinkId>> attach_sender(const std::string& address);
    Awaitable<Result<wire::LinkId>> attach_receiver(const std::string& address, std::uint32_t credit);
    // Hands each event to `on_event` until the connection ends: the error says how.
    Awaitable<Result<>> read(OnEvent on_event);

    wire::Engine& engine() { return engine_; }
    // The engine was told something: it goes out at the end of this turn.
    void touch();
    // Drops the connection and joins what is under way.
    Awaitable<> stop();

private:
    Awaitable<Result<>> receive();
    // Reads until an event is a T, drops others. Errors also when a link or the connection ends.
    template <class T>
    Awaitable<Result<T>> wait_for();
    Awaitable<> flush();

    async::Executor loop_;
    std::unique_ptr<net::Stream> stream_;
    wire::Engine engine_{wire::Role::client, {.container_id = "selvage-bench", .host_name = "localhost"}};
    wire::SessionId session_{};
    int links_ = 0;
    bool silent_ = false;      // not even the protocol header is sent
    bool flushing_ = false;
    async::TaskGroup tasks_;
};

}  // namespace selvage::bench
