#include "net/dial.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/this_coro.hpp>
#include <cerrno>
#include <system_error>

#include "async/deadline.h"
#include "net/plain_stream.h"
#include "net/resolver.h"
#include "net/tls_stream.h"

namespace selvage::net {
namespace {

using std::chrono::milliseconds;

// A Unix socket whose backlog is full says so at once instead of letting us wait in line.
constexpr milliseconds kBacklogRetry{10};

std::string words(int error_number) {
    return std::generic_category().message(error_number);
}

Awaitable<Result<Socket>> connect_socket(Address address) {
    const int fd =
        ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) co_return fail(Errc::unavailable, words(errno));
    if (address.storage.ss_family != AF_UNIX) set_tcp_options(fd);
    SELVAGE_CO_TRY(auto socket, Socket::adopt(co_await boost::asio::this_coro::executor, fd));
    int error = 0;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0)
        error = errno;
    if (error == EINPROGRESS) {
        const auto ready = co_await socket.writable();
        if (!ready) co_return fail(ready.error());
        socklen_t size = sizeof error;
        ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == EAGAIN) co_return fail(Errc::throttled, words(error));
    if (error != 0) co_return fail(Errc::unavailable, words(error));
    co_return socket;
}

class SystemDialer final : public Dialer {
public:
    explicit SystemDialer(async::TimeSource& time) : time_(time) {}

    Awaitable<Result<std::unique_ptr<Stream>>> dial(Target target, milliseconds timeout) override {
        const auto until = time_.now() + timeout;
        const auto name =
            target.unix_path.empty() ? host_and_port(target.host, target.port) : target.unix_path;
        auto connected = co_await connect(target, until);
        if (connected && (!target.tls || !target.unix_path.empty()))
            co_return make_plain_stream(*std::move(connected));
        if (connected) {
            auto secured = connect_tls(*std::move(connected), target.tls, target.host);
            auto stream =
                co_await async::with_deadline(time_, until - time_.now(), std::move(secured));
            if (stream) co_return stream;
            co_return fail(told(stream.error(), fmt::format("connect to {}", name),
                                "the TLS handshake", timeout));
        }
        co_return fail(
            told(connected.error(), fmt::format("connect to {}", name), "an answer", timeout));
    }

private:
    static Error told(const Error& error, const std::string& subject, std::string_view missing,
                      milliseconds timeout) {
        if (error.code != Errc::timeout) return error.in(subject);
        return {Errc::timeout,
                fmt::format("{}: {} did not come within {} ms", subject, missing, timeout.count())};
    }

    Awaitable<Result<Socket>> connect(const Target& target, TimePoint until) {
        if (!target.unix_path.empty()) co_return co_await connect_unix(target.unix_path, until);
        auto look_up =
            resolver_.resolve(target.via.empty() ? target.host : target.via, target.port);
        auto addresses =
            co_await async::with_deadline(time_, until - time_.now(), std::move(look_up));
        if (!addresses) co_return fail(addresses.error());
        Error last{Errc::timeout, {}};
        for (std::size_t i = 0; i < addresses->size() && time_.now() < until; ++i) {
            // An address that swallows packets must leave time for those behind it.
            const auto share = (until - time_.now()) / static_cast<int>(addresses->size() - i);
            auto attempt = connect_socket((*addresses)[i]);
            auto socket = co_await async::with_deadline(time_, share, std::move(attempt));
            if (socket || socket.error().code == Errc::cancelled) co_return socket;
            last = std::move(socket).error();
        }
        co_return fail(std::move(last));
    }

    Awaitable<Result<Socket>> connect_unix(std::string path, TimePoint until) {
        SELVAGE_CO_TRY(const auto address, unix_address(path));
        for (;;) {
            auto socket = co_await connect_socket(address);
            if (socket || socket.error().code != Errc::throttled) co_return socket;
            if (time_.now() >= until) co_return fail(Errc::timeout, "its backlog is full");
            const auto slept = co_await time_.sleep_for(kBacklogRetry);
            if (!slept) co_return fail(slept.error());
        }
    }

    async::TimeSource& time_;
    Resolver resolver_;
};

}  // namespace

std::unique_ptr<Dialer> make_dialer(async::TimeSource& time) {
    return std::make_unique<SystemDialer>(time);
}

}  // namespace selvage::net
