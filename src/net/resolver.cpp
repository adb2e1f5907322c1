#include "net/resolver.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/un.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <cerrno>
#include <cstring>
#include <optional>

#include "async/blocking_pool.h"
#include "async/event.h"

namespace selvage::net {
namespace {

// Two, so that one name whose servers do not answer does not hold up all others.
constexpr std::size_t kThreads = 2;
constexpr std::size_t kQueuedMax = 256;

Result<std::vector<Address>> look_up(const std::string& host, std::uint16_t port, int flags) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (error != 0) {
        const char* const words =
            error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error);
        return fail(Errc::unavailable, fmt::format("resolve '{}': {}", host, words));
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
    std::vector<Address> addresses;
    for (const auto* entry = found; entry != nullptr; entry = entry->ai_next) {
        auto& address = addresses.emplace_back();
        std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
        address.size = entry->ai_addrlen;
    }
    if (addresses.empty())
        return fail(Errc::unavailable, fmt::format("resolve '{}': no address", host));
    return addresses;
}

// Where a pool thread leaves its answer. The waiting coroutine may be gone by then, so both own it.
struct Answer {
    explicit Answer(const async::Executor& loop) : arrived(loop) {}
    std::optional<Result<std::vector<Address>>> value;
    async::Event arrived;
};

}  // namespace

struct Resolver::Impl {
    // Made at the first name: a program that only dials Unix sockets has no such threads.
    std::optional<async::BlockingPool> pool;
};

Resolver::Resolver() : impl_(std::make_unique<Impl>()) {}
Resolver::~Resolver() = default;

std::string host_and_port(const std::string& host, std::uint16_t port) {
    return host.contains(':') ? fmt::format("[{}]:{}", host, port)
                              : fmt::format("{}:{}", host, port);
}

Result<Address> numeric_address(const std::string& host, std::uint16_t port) {
    auto found = look_up(host, port, AI_NUMERICHOST);
    if (!found) return fail(Errc::invalid_argument, fmt::format("'{}' is not an IP address", host));
    return found->front();
}

Result<Address> unix_address(const std::string& path) {
    Address address;
    auto& name = reinterpret_cast<sockaddr_un&>(address.storage);
    if (path.size() >= sizeof name.sun_path)
        return fail(Errc::invalid_argument,
                    fmt::format("the socket path '{}' has more than 107 bytes", path));
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, path.data(), path.size());
    address.size = sizeof name;
    return address;
}

async::Awaitable<Result<std::vector<Address>>> Resolver::resolve(std::string host,
                                                                 std::uint16_t port) {
    if (const auto numeric = numeric_address(host, port)) co_return std::vector{*numeric};
    const auto loop = co_await boost::asio::this_coro::executor;
    if (!impl_->pool) impl_->pool.emplace("net-resolve", kThreads, kQueuedMax);
    const auto answer = std::make_shared<Answer>(loop);
    // The guard keeps the loop alive while a pool thread has the work.
    auto guard = boost::asio::make_work_guard(loop);
    const bool accepted = impl_->pool->post([answer, guard, host, port] {
        auto found = look_up(host, port, AI_ADDRCONFIG);
        boost::asio::post(guard.get_executor(), [answer, found = std::move(found)]() mutable {
            answer->value = std::move(found);
            answer->arrived.set();
        });
    });
    if (!accepted) co_return fail(Errc::throttled, "too many names are being resolved");
    co_await answer->arrived.wait();
    if (!answer->value) co_return fail(Errc::cancelled, "the name's look-up was cancelled");
    co_return *std::move(answer->value);
}

}  // namespace selvage::net
