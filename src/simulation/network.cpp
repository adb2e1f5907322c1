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
    return wires.size();
}

std::size_t Network::vanish(const std::string& a, const std::string& b) {
    const auto wires = between(a, b);
    for (const auto& wire : wires) {
        wire->vanish();
        vanished_.push_back(wire);
    }
    return wires.size();
}

std::size_t Network::stall(const std::string& a, const std::string& b, Duration time) {
    const auto wires = between(a, b);
    for (const auto& wire : wires) wire->stall(schedule_.now() + time);
    return wires.size();
}

void Network::heal() {
    outages_.clear();
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
    return Duration(1 + static_cast<std::int64_t>(dice_.fraction() * static_cast<double>(latency_max_.count())));
}

std::shared_ptr<Wire> Network::join(const std::string& dialler, const std::string& listener) {
    const auto wire = std::make_shared<Wire>(Wire::Surroundings{schedule_, trace_, dice_, latency_max_}, dialler, listener);
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
    auto& schedule = network_.schedule_;
    auto& time = schedule.time();
    const auto outage = network_.outages_.find(Network::pair_of(host_, target.host));
    const bool silent = outage != network_.outages_.end() && outage->second == Network::Outage::silent;
    network_.trace_.note(schedule.now(), "dial", host_, target.port, target.host);
    if (!dead_ && silent) {
        SELVAGE_CO_CHECK(co_await time.sleep_for(timeout));
        co_return fail(Errc::timeout, "connect to " + target.host + ": no answer");
    }
    SELVAGE_CO_CHECK(co_await time.sleep_for(network_.travel_time()));
    const auto found = network_.hosts_.find(target.host);
    const bool reachable = !dead_ && !network_.blocked(host_, target.host) && found != network_.hosts_.end();
    if (!reachable) co_return fail(Errc::unavailable, "connect to " + target.host + ": refused");
    Endpoint& host = *found->second;
    const auto port = host.ports_.find(target.port);
    if (port == host.ports_.end()) co_return fail(Errc::unavailable, "connect to " + target.host + ": refused");

    const auto wire = network_.join(host_, target.host);
    for (auto* wires : {&wires_, &host.wires_}) {
        if (wires->size() >= 64) std::erase_if(*wires, [](const auto& one) { return one.expired(); });
        wires->push_back(wire);
    }
    port->second.serving->spawn("simulated connection", serve_one(port->second.serve, wire->end(1)));
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
