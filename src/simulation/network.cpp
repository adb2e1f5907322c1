#include "simulation/network.h"

#include <algorithm>

namespace selvage::simulation {

Network::Network(Schedule& schedule, Trace& trace, std::uint64_t seed) : schedule_(schedule), trace_(trace), dice_(seed) {}

void Network::block(const std::string& a, const std::string& b, Outage how) { outages_[pair_of(a, b)] = how; }
void Network::unblock(const std::string& a, const std::string& b) { outages_.erase(pair_of(a, b)); }
bool Network::blocked(const std::string& a, const std::string& b) const { return outages_.contains(pair_of(a, b)); }

std::vector<std::shared_ptr<Wire>> Network::between(const std::string& a, const std::string& b) {
    std::erase_if(wires_, [](const auto& wire) {
        const auto alive = wire.lock();
        return !alive || alive->over();
    });
    std::vector<std::shared_ptr<Wire>> found;
    for (const auto& wire : wires_)
        if (const auto alive = wire.lock(); alive && alive->joins(a, b)) found.push_back(alive);
    return found;
}

std::size_t Network::cut(const std::string& a, const std::string& b) {
    const auto wires = between(a, b);
    for (const auto& wire : wires) wire->break_both();
    trace_.count(Effect::connection_cut, wires.size());
    return wires.size();
}

std::size_t Network::vanish(const std::string& a, const std::string& b) {
    const auto wires = between(a, b);
    for (const auto& wire : wires) {
        wire->vanish();
        vanished_.push_back(wire);
    }
    trace_.count(Effect::connection_half_open, wires.size());
    return wires.size();
}

std::size_t Network::scatter(Duration most) {
    std::size_t count = 0;
    for (const auto& wire : wires_) {
        const auto alive = wire.lock();
        if (!alive || alive->over()) continue;
        ++count;
        alive->set_lag(Duration(static_cast<std::int64_t>(dice_.fraction() * static_cast<double>(most.count()))));
    }
    if (most.count() > 0) trace_.count(Effect::connection_lagging, count);
    return count;
}

std::size_t Network::stall(const std::string& a, const std::string& b, Duration time) {
    const auto wires = between(a, b);
    for (const auto& wire : wires) wire->stall(schedule_.now() + time);
    trace_.count(Effect::connection_stalled, wires.size());
    return wires.size();
}

void Network::heal() {
    outages_.clear();
    weather_ = {};
    scatter(Duration(0));
    for (const auto& wire : vanished_)
        if (const auto alive = wire.lock()) alive->break_both();
    vanished_.clear();
}

std::size_t Network::connections() {
    std::size_t count = 0;
    for (const auto& wire : wires_)
        if (const auto alive = wire.lock(); alive && !alive->over()) ++count;
    return count;
}

std::size_t Network::held_bytes() {
    std::size_t bytes = 0;
    for (const auto& wire : wires_)
        if (const auto alive = wire.lock()) bytes += alive->held_bytes();
    return bytes;
}

Duration Network::travel_time() {
    return Duration(1 + static_cast<std::int64_t>(dice_.fraction() * static_cast<double>(weather_.latency_max.count())));
}

std::shared_ptr<Wire> Network::join(const std::string& dialler, const std::string& listener, const Wire::Weather& weather) {
    const auto wire = std::make_shared<Wire>(Wire::Surroundings{schedule_, trace_, dice_, weather}, dialler, listener);
    if (wires_.size() >= 64) std::erase_if(wires_, [](const auto& one) { return one.expired(); });
    wires_.push_back(wire);
    return wire;
}

Endpoint::Endpoint(Network& network, std::string host) : network_(network), host_(std::move(host)) {
    network_.hosts_[host_] = this;
}

Endpoint::~Endpoint() {
    const auto found = network_.hosts_.find(host_);
    if (found != network_.hosts_.end() && found->second == this) network_.hosts_.erase(found);
}

net::Awaitable<Result<std::unique_ptr<net::Stream>>> Endpoint::dial(net::Target target, std::chrono::milliseconds timeout) {
    if (!target.unix_path.empty()) co_return co_await dial_unix(std::move(target.unix_path));
    auto& schedule = network_.schedule_;
    auto& time = schedule.time();
    const auto outage = network_.outages_.find(Network::pair_of(host_, target.host));
    const bool silent = outage != network_.outages_.end() && outage->second == Network::Outage::silent;
    network_.trace_.note(schedule.now(), "dial", host_, target.port, target.host);
    if (!dead_ && silent) {
        network_.trace_.count(Effect::dial_failed);
        SELVAGE_CO_CHECK(co_await time.sleep_for(timeout));
        co_return fail(Errc::timeout, "connect to " + target.host + ": no answer");
    }
    SELVAGE_CO_CHECK(co_await time.sleep_for(network_.travel_time()));
    const auto found = network_.hosts_.find(target.host);
    const bool reachable = !dead_ && !network_.blocked(host_, target.host) && found != network_.hosts_.end();
    if (!reachable) {
        if (!dead_) network_.trace_.count(Effect::dial_failed);
        co_return fail(Errc::unavailable, "connect to " + target.host + ": refused");
    }
    Endpoint& host = *found->second;
    const auto port = host.ports_.find(target.port);
    if (port == host.ports_.end()) co_return fail(Errc::unavailable, "connect to " + target.host + ": refused");

    const auto wire = join(host, network_.weather_);
    port->second.serving->spawn("simulated connection", serve_one(port->second.serve, wire->end(1)));
    co_return wire->end(0);
}

std::shared_ptr<Wire> Endpoint::join(Endpoint& listener, const Wire::Weather& weather) {
    const auto wire = network_.join(host_, listener.host_, weather);
    for (auto* wires : {&wires_, &listener.wires_}) {
        if (wires->size() >= 64) std::erase_if(*wires, [](const auto& one) { return one.expired(); });
        wires->push_back(wire);
    }
    return wire;
}

// ---- Unix sockets ------------------------------------------------------------------------------------------------------

class Network::Socket final : public net::Listener {
public:
    Socket(Endpoint& owner, std::string key, net::Serve serve)
        : owner_(owner), key_(std::move(key)), serve_(std::move(serve)), serving_(owner.network_.schedule_.loop()) {
        owner_.network_.sockets_[key_] = this;
    }
    ~Socket() override { forget(); }
    std::uint16_t port() const override { return 0; }
    net::Awaitable<> stop() override {
        forget();
        co_await serving_.stop();
    }
    Endpoint& owner() { return owner_; }
    void take(std::shared_ptr<net::Stream> stream) {
        serving_.spawn("simulated socket", Endpoint::serve_one(serve_, std::move(stream)));
    }

private:
    void forget() {
        auto& sockets = owner_.network_.sockets_;
        if (const auto found = sockets.find(key_); found != sockets.end() && found->second == this) sockets.erase(found);
    }

    Endpoint& owner_;
    std::string key_;
    net::Serve serve_;
    async::TaskGroup serving_;
};

void Endpoint::share_sockets(std::string computer, int pid) {
    computer_ = std::move(computer);
    pid_ = pid;
}

std::string Endpoint::socket_key(const std::string& path) const { return computer_ + path.substr(path.rfind('/')); }

std::unique_ptr<net::Listener> Endpoint::listen_unix(const std::string& path, net::Serve serve) {
    return std::make_unique<Network::Socket>(*this, socket_key(path), std::move(serve));
}

net::Awaitable<Result<std::unique_ptr<net::Stream>>> Endpoint::dial_unix(std::string path) {
    SELVAGE_CO_CHECK(co_await network_.schedule_.time().sleep_for(std::chrono::microseconds(100)));
    const auto socket = network_.sockets_.find(socket_key(path));
    if (dead_ || socket == network_.sockets_.end() || socket->second->owner().dead_)
        co_return fail(Errc::unavailable, "connect to " + socket_key(path) + ": refused");
    const auto wire = join(socket->second->owner(), network_.inside_);
    wire->set_process(0, pid_);
    socket->second->take(wire->end(1));
    co_return wire->end(0);
}

async::Awaitable<> Endpoint::serve_one(net::Serve serve, std::shared_ptr<net::Stream> stream) {
    co_await serve(stream);
    stream->close();
}

void Endpoint::listen(std::uint16_t port, net::Serve serve) {
    ports_[port] = {std::move(serve), std::make_unique<async::TaskGroup>(network_.schedule_.loop())};
}

async::Awaitable<> Endpoint::stop() {
    for (auto& [number, port] : ports_) co_await port.serving->stop();
    ports_.clear();
}

void Endpoint::die(Death death) {
    dead_ = true;
    const auto found = network_.hosts_.find(host_);
    if (found != network_.hosts_.end() && found->second == this) network_.hosts_.erase(found);
    for (const auto& wire : wires_) {
        const auto alive = wire.lock();
        if (!alive) continue;
        const std::size_t side = alive->host(0) == host_ ? 0 : 1;
        if (death == Death::silent) {
            alive->vanish();
            network_.vanished_.push_back(alive);
        }
        alive->close(side);
    }
    wires_.clear();
}

}  // namespace selvage::simulation
