// The network of a simulated world: hosts with names, who dial and listen; and what can go wrong between two of them.
//
// Runs on: the world's loop. The network outlives its endpoints.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "async/task_group.h"
#include "net/dial.h"
#include "net/listener.h"
#include "simulation/wire.h"

namespace selvage::simulation {

class Endpoint;

class Network {
public:
    Network(Schedule& schedule, Trace& trace, std::uint64_t seed);

    // How dialling fails while two hosts cannot reach each other.
    enum class Outage { refused, silent };
    // No new connections until unblock(). Open ones stay as they are.
    void block(const std::string& a, const std::string& b, Outage how);
    void unblock(const std::string& a, const std::string& b);
    bool blocked(const std::string& a, const std::string& b) const;

    // What happens to the open connections between two hosts. Each gives how many there were.
    std::size_t cut(const std::string& a, const std::string& b);
    std::size_t vanish(const std::string& a, const std::string& b);
    std::size_t stall(const std::string& a, const std::string& b, Duration time);
    // Of the connections that are open now, each gets a delay of its own; zero ends that.
    std::size_t scatter(Duration most);

    Wire::Weather& weather() { return weather_; }
    // No outages, no bad connections: those that are half open break.
    void heal();

    std::size_t connections();
    std::size_t held_bytes();

private:
    friend class Endpoint;
    class Socket;
    using Pair = std::pair<std::string, std::string>;
    static Pair pair_of(const std::string& a, const std::string& b) { return a < b ? Pair{a, b} : Pair{b, a}; }
    std::shared_ptr<Wire> join(const std::string& dialler, const std::string& listener, const Wire::Weather& weather);
    std::vector<std::shared_ptr<Wire>> between(const std::string& a, const std::string& b);
    Duration travel_time();

    Schedule& schedule_;
    Trace& trace_;
    SeededRandom dice_;
    Wire::Weather weather_;
    const Wire::Weather inside_{std::chrono::milliseconds(1)};    // one computer
    std::map<std::string, Endpoint*> hosts_;
    std::map<std::string, Socket*> sockets_;
    std::map<Pair, Outage> outages_;
    std::vector<std::weak_ptr<Wire>> wires_;
    std::vector<std::weak_ptr<Wire>> vanished_;
};

// One process's place in the network.
class Endpoint final : public net::Dialer {
public:
    Endpoint(Network& network, std::string host);
    ~Endpoint() override;

    net::Awaitable<Result<std::unique_ptr<net::Stream>>> dial(net::Target target, std::chrono::milliseconds timeout) override;
    void listen(std::uint16_t port, net::Serve serve);
    // Processes of one computer reach each other's Unix sockets, by the last part of their paths. `pid`: who this is.
    void share_sockets(std::string computer, int pid = -1);
    std::unique_ptr<net::Listener> listen_unix(const std::string& path, net::Serve serve);
    bool is_dead() const { return dead_; }
    // Takes no more connections; cancels and joins those that it serves.
    async::Awaitable<> stop();

    // The process is no more: all its connections fail, on its side at once. The peers see them closed, as a kernel does for
    // a killed process; or hear nothing any more, as when the machine has lost power.
    enum class Death { told, silent };
    void die(Death death);

private:
    friend class Network;
    struct Port {
        net::Serve serve;
        std::unique_ptr<async::TaskGroup> serving;
    };
    static async::Awaitable<> serve_one(net::Serve serve, std::shared_ptr<net::Stream> stream);
    net::Awaitable<Result<std::unique_ptr<net::Stream>>> dial_unix(std::string path);
    std::shared_ptr<Wire> join(Endpoint& listener, const Wire::Weather& weather);
    std::string socket_key(const std::string& path) const;

    Network& network_;
    std::string host_;
    std::string computer_;
    int pid_ = -1;
    std::map<std::uint16_t, Port> ports_;
    std::vector<std::weak_ptr<Wire>> wires_;
    bool dead_ = false;
};

}  // namespace selvage::simulation
