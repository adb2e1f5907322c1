// One accept loop, and for each connection a task that makes the handshake; then it waits in the lobby for
// its first words, and then there is a task that serves it. What the stages before needed is gone by
// then. All in the listener's group: stop() joins them, so they may refer to it.
#include "net/listener.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "async/event.h"
#include "base/log.h"
#include "net/handshakes.h"
#include "net/lobby.h"
#include "net/plain_stream.h"
#include "net/resolver.h"
#include "net/tls_stream.h"

namespace selvage::net {
namespace {

// As many as the system allows: a fleet that comes back all at once must not wait for TCP's retries.
constexpr int kBacklog = SOMAXCONN;
// Connections taken in one turn before others on the loop get theirs.
constexpr int kAcceptsPerTurn = 32;
// How long a listener rests that cannot accept for want of descriptors or memory.
constexpr std::chrono::milliseconds kShortageRest{200};

// How many connections there are. May outlive the listener with the last of them.
struct Places {
    explicit Places(const async::Executor& loop) : freed(loop) {}
    std::size_t taken = 0;
    async::Event freed;
};

// Holds a place for as long as it lives.
class Place {
public:
    explicit Place(std::shared_ptr<Places> places) : places_(std::move(places)) { ++places_->taken; }
    ~Place() {
        --places_->taken;
        places_->freed.set();
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

private:
    std::shared_ptr<Places> places_;
};

// A stream and its place, which share one reference count.
template <class Kind>
struct Guest {
    Guest(std::shared_ptr<Places> places, std::unique_ptr<Kind> stream_)
        : place(std::move(places)), stream(std::move(stream_)) {}
    Place place;
    std::unique_ptr<Kind> stream;
};
template <class Kind>
std::shared_ptr<Kind> make_guest(const std::shared_ptr<Places>& places, std::unique_ptr<Kind> stream) {
    const auto guest = std::make_shared<Guest<Kind>>(places, std::move(stream));
    return {guest, guest->stream.get()};
}

class SocketListener final : public Listener {
public:
    SocketListener(const async::Executor& loop, async::TimeSource& time, Socket socket,
                   std::shared_ptr<TlsServerContext> tls, ListenSettings settings, Serve serve)
        : loop_(loop),
          time_(time),
          socket_(std::move(socket)),
          tls_(std::move(tls)),
          settings_(std::move(settings)),
          serve_(std::move(serve)),
          places_(std::make_shared<Places>(loop)),
          handshakes_(loop, time, settings_.handshakes_max, settings_.handshake_patience),
          lobby_(loop, time, settings_.first_words_timeout, settings_.said_enough,
                 [this](std::shared_ptr<Stream> stream) { this->serve(std::move(stream)); }),
          tasks_(loop) {}

    void begin(std::string name, std::uint16_t port, std::string unix_path) {
        name_ = std::move(name);
        port_ = port;
        unix_path_ = std::move(unix_path);
        if (!unix_path_.empty()) ::stat(unix_path_.c_str(), &file_);
        tasks_.spawn("net accept loop", accept_loop());
    }

    std::uint16_t port() const override { return port_; }

    Awaitable<> stop() override {
        if (socket_.is_open()) {
            remove_socket_file();
            socket_.close();
        }
        lobby_.clear();
        co_await tasks_.stop();
    }

private:
    Awaitable<> accept_loop();
    void welcome(Socket socket);
    Awaitable<> handshake(Socket socket);
    Awaitable<Result<std::unique_ptr<ServerStream>>> secured(Socket socket);
    void serve(std::shared_ptr<Stream> stream) { tasks_.spawn("net connection", serve_(std::move(stream))); }
    // Waits for a place below connections_max. False when the listener stops.
    Awaitable<bool> place();

    // Ours only: another process may have put its own socket there meanwhile.
    void remove_socket_file() {
        struct stat now{};
        if (unix_path_.empty() || ::stat(unix_path_.c_str(), &now) != 0) return;
        if (now.st_dev == file_.st_dev && now.st_ino == file_.st_ino) ::unlink(unix_path_.c_str());
    }

    async::Executor loop_;
    async::TimeSource& time_;
    Socket socket_;
    std::shared_ptr<TlsServerContext> tls_;
    ListenSettings settings_;
    Serve serve_;
    std::string name_;
    std::string unix_path_;
    struct stat file_{};
    std::uint16_t port_ = 0;
    bool full_said_ = false;
    std::shared_ptr<Places> places_;
    Handshakes handshakes_;
    Lobby lobby_;
    async::TaskGroup tasks_;
};

Awaitable<bool> SocketListener::place() {
    // One line when the bound is reached, and none again before there was real room: at the bound
    // each end lets one in.
    const auto& taken = places_->taken;
    if (taken < settings_.connections_max - settings_.connections_max / 10) full_said_ = false;
    if (taken < settings_.connections_max) co_return true;
    if (!full_said_)
        log::warn("net.listen", "paused: no more connections are taken address={} connections={}",
                  name_, taken);
    full_said_ = true;
    while (taken >= settings_.connections_max) {
        places_->freed.reset();
        co_await places_->freed.wait();
        if (!places_->freed.is_set()) co_return false;
    }
    co_return true;
}

Awaitable<> SocketListener::accept_loop() {
    bool shortage = false;
    int accepted = 0;
    while (co_await place()) {
        if (!socket_.is_open()) co_return;
        const int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        const int error = fd < 0 ? errno : 0;
        if (fd >= 0) {
            shortage = false;
            if (port_ != 0) set_tcp_options(fd);
            auto socket = Socket::adopt(loop_, fd);
            if (socket)
                welcome(*std::move(socket));
            else
                log::warn("net.listen", "dropped a connection address={}: {}", name_,
                          socket.error().detail);
            if (++accepted % kAcceptsPerTurn == 0) co_await yield_turn(loop_);
        } else if (error == EAGAIN) {
            const auto ready = co_await socket_.readable();
            if (!ready) co_return;
        } else if (error != EINTR && error != ECONNABORTED && error != EPROTO) {
            // EMFILE, ENFILE, ENOBUFS, ENOMEM: the connection stays in the backlog and would be
            // reported again at once.
            if (!shortage)
                log::error("net.listen",
                           "cannot accept address={}: {}; raise the limit of open files", name_,
                           std::generic_category().message(error));
            shortage = true;
            const auto slept = co_await time_.sleep_for(kShortageRest);
            if (!slept) co_return;
        }
    }
}

void SocketListener::welcome(Socket socket) {
    if (tls_) tasks_.spawn("net handshake", handshake(std::move(socket)));
    else serve(make_guest(places_, make_plain_stream(std::move(socket))));
}

Awaitable<Result<std::unique_ptr<ServerStream>>> SocketListener::secured(Socket socket) {
    SELVAGE_CO_CHECK(co_await await_client_hello(socket));
    const auto place = co_await handshakes_.place(socket.fd());
    if (!place) co_return fail(Errc::cancelled, "the listener stops");
    co_return co_await accept_tls(std::move(socket), tls_);
}

Awaitable<> SocketListener::handshake(Socket socket) {
    const Place counted(places_);
    const auto peer = peer_name(socket.fd()).text;
    // A timer and no coroutine beside this one: whoever has connected and says nothing keeps it all.
    bool late = false;
    auto timer = time_.make_timer(loop_, [&late, fd = socket.fd()] {
        late = true;
        ::shutdown(fd, SHUT_RDWR);
    });
    timer->set(time_.now() + settings_.handshake_timeout);
    auto made = co_await secured(std::move(socket));
    timer.reset();
    if (late) made = fail(Errc::timeout, fmt::format("no handshake within {} ms", settings_.handshake_timeout.count()));
    if (!made) {
        // A peer that comes and goes without a word is a health probe or a port scan; one that
        // refuses us is a device that does not trust this certificate.
        const bool told = made.error().code == Errc::malformed;
        log::at(told ? log::Level::info : log::Level::debug, "net.listen",
                "no TLS with peer={} address={}: {}", peer, name_, made.error().detail);
        co_return;
    }
    lobby_.enter(make_guest(places_, *std::move(made)));
}

Result<int> bound_socket(const Address& address, const std::string& name) {
    const int fd =
        ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail(from_errno("listen on " + name, errno));
    const int on = 1;
    if (address.storage.ss_family != AF_UNIX)
        (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0)
        return fd;
    const int error = errno;
    ::close(fd);
    return fail(from_errno("listen on " + name, error));
}

Result<std::unique_ptr<SocketListener>> listen_on(const async::Executor& loop,
                                                  async::TimeSource& time, int fd,
                                                  const std::string& name,
                                                  std::shared_ptr<TlsServerContext> tls,
                                                  ListenSettings settings, Serve serve) {
    if (::listen(fd, kBacklog) != 0) {
        const int error = errno;
        ::close(fd);
        return fail(from_errno("listen on " + name, error));
    }
    SELVAGE_TRY(auto socket, Socket::adopt(loop, fd));
    return std::make_unique<SocketListener>(loop, time, std::move(socket), std::move(tls), settings,
                                            std::move(serve));
}

// Removes the socket file of a process that is gone. Errors: io_error when somebody answers there,
// or it is no socket.
Result<> clear_stale(const Address& address, const std::string& path) {
    struct stat file{};
    if (::lstat(path.c_str(), &file) != 0) return {};
    if (!S_ISSOCK(file.st_mode))
        return fail(Errc::io_error,
                    fmt::format("listen on {}: a file that is no socket is there", path));
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail(from_errno("listen on " + path, errno));
    const bool answered =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 ||
        errno == EAGAIN;
    ::close(fd);
    if (answered)
        return fail(Errc::io_error,
                    fmt::format("listen on {}: another process listens there", path));
    ::unlink(path.c_str());
    return {};
}

std::uint16_t bound_port(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    if (address.ss_family == AF_INET)
        return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

}  // namespace

Result<std::unique_ptr<Listener>> listen_tcp(async::Executor loop, async::TimeSource& time,
                                             const std::string& address, std::uint16_t port,
                                             std::shared_ptr<TlsServerContext> tls,
                                             ListenSettings settings, Serve serve) {
    SELVAGE_TRY(const auto where, numeric_address(address, port));
    const auto name = host_and_port(address, port);
    SELVAGE_TRY(const int fd, bound_socket(where, name));
    const auto bound = bound_port(fd);
    SELVAGE_TRY(auto listener,
                listen_on(loop, time, fd, name, std::move(tls), settings, std::move(serve)));
    listener->begin(host_and_port(address, bound), bound, {});
    return listener;
}

Result<std::unique_ptr<Listener>> listen_unix(async::Executor loop, async::TimeSource& time,
                                              const std::string& path, unsigned mode,
                                              ListenSettings settings, Serve serve) {
    SELVAGE_TRY(const auto where, unix_address(path));
    SELVAGE_CHECK(clear_stale(where, path));
    SELVAGE_TRY(const int fd, bound_socket(where, path));
    // Nobody can connect before listen(), so the file never answers with a mode that is wider than
    // asked for.
    if (::chmod(path.c_str(), mode) != 0) {
        const int error = errno;
        ::close(fd);
        return fail(from_errno("set the mode of " + path, error));
    }
    SELVAGE_TRY(auto listener,
                listen_on(loop, time, fd, path, nullptr, settings, std::move(serve)));
    listener->begin(path, 0, path);
    return listener;
}

}  // namespace selvage::net
