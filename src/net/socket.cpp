#include "net/socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <system_error>

namespace selvage::net {
namespace {

// A peer that leaves sent bytes unacknowledged for this long is gone.
constexpr int kSilenceMaxMilliseconds = 30'000;
// The first probe of an idle connection, then every so many seconds; after three the peer is gone.
constexpr int kKeepAliveIdleSeconds = 60;
constexpr int kKeepAliveIntervalSeconds = 10;
constexpr int kKeepAliveProbes = 3;

void set_int(int fd, int level, int option, int value) {
    // A socket that refuses an option still works; nothing could be done about it here.
    (void)::setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

Result<Socket> Socket::adopt(const async::Executor& loop, int fd) {
    Descriptor descriptor(loop);
    boost::system::error_code error;
    descriptor.assign(fd, error);
    if (error) {
        ::close(fd);
        return fail(Errc::io_error, "watch a socket: " + error.message());
    }
    descriptor.non_blocking(true, error);
    return Socket(std::move(descriptor));
}

Awaitable<std::tuple<boost::system::error_code>> Socket::wait_readable() {
    return descriptor_.async_wait(Descriptor::wait_read,
                                  boost::asio::as_tuple(boost::asio::use_awaitable));
}

Awaitable<std::tuple<boost::system::error_code>> Socket::wait_writable() {
    return descriptor_.async_wait(Descriptor::wait_write,
                                  boost::asio::as_tuple(boost::asio::use_awaitable));
}

Awaitable<Result<>> Socket::readable() {
    const auto [error] = co_await wait_readable();
    // Nothing of `this` is touched behind the wait: close() may have been the destructor's.
    if (error) co_return fail(Errc::cancelled, "the wait for bytes was cancelled");
    co_return Result<>{};
}

Awaitable<Result<>> Socket::writable() {
    const auto [error] = co_await wait_writable();
    if (error) co_return fail(Errc::cancelled, "the wait to write was cancelled");
    co_return Result<>{};
}

void Socket::close() {
    boost::system::error_code error;
    descriptor_.close(error);
}

void set_tcp_options(int fd) {
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kSilenceMaxMilliseconds);
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
}

Error socket_error(std::string_view what, std::string_view peer, int error_number) {
    const bool gone = error_number == ECONNRESET || error_number == EPIPE ||
                      error_number == ENOTCONN || error_number == ETIMEDOUT ||
                      error_number == ECONNABORTED || error_number == EHOSTUNREACH ||
                      error_number == ENETUNREACH || error_number == EBADF;
    return {gone ? Errc::connection_closed : Errc::io_error,
            fmt::format("{} {}: {}", what, peer, std::generic_category().message(error_number))};
}

PeerName peer_name(int fd) {
    PeerName name;
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        name.text = "unknown peer";
        return name;
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        name.text = fmt::format("{}:{}", text.data(), ntohs(v4.sin_port));
    } else if (address.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
        name.text = fmt::format("[{}]:{}", text.data(), ntohs(v6.sin6_port));
    } else {
        ucred credentials{};
        socklen_t length = sizeof credentials;
        if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0) {
            name.pid = credentials.pid;
            name.uid = static_cast<int>(credentials.uid);
        }
        name.text = fmt::format("unix pid {}", name.pid);
    }
    return name;
}

Awaitable<> yield_turn(async::Executor loop) {
    co_await boost::asio::post(loop, boost::asio::use_awaitable);
}

}  // namespace selvage::net
