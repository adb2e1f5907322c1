// OpenSSL directly on a non-blocking socket, through a BIO of our own that keeps what the socket
// does not take.
//
// Why the BIO: SSL_write that ends in "wait for the socket" must be repeated with the same bytes
// before anything else may be written, and SSL_read writes too (alerts, key updates). With one
// reader and one writer on a stream that is a trap. Here OpenSSL's writes always succeed up to a
// bound; the writer then waits until the rest is out. It also lets send() say MSG_NOSIGNAL, which
// OpenSSL's own socket BIO does not, so that no process needs to ignore SIGPIPE.
//
// Memory of an idle connection: the SSL object, the session, the peer's certificates. Record
// buffers exist only while a record is being moved (SSL_MODE_RELEASE_BUFFERS), `unsent` only while
// the socket is full.
#include "net/tls_stream.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "net/tls_context.h"

namespace selvage::net {
namespace {

// A full record is 16 KiB and a little; more unsent than a few of them means that only reads still
// go on, each of which wants to answer something: such a peer waits.
constexpr std::size_t kUnsentBytesMax = 64 * 1024;

// What the BIO sees of its connection. At a fixed address, as the BIO points to it.
struct Wire {
    explicit Wire(Socket socket_) : socket(std::move(socket_)) {}
    Socket socket;
    std::string unsent;    // encrypted, accepted from OpenSSL, not yet taken by the socket
    int error_number = 0;  // of the last failed recv or send
    bool emptied = false;  // the last recv got less than it had room for: the next would only say EAGAIN

    // Sends what is left over. False when the socket failed.
    bool flush() {
        while (!unsent.empty()) {
            const auto count = ::send(socket.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0 && errno == EAGAIN) return true;
            if (count < 0) {
                error_number = errno;
                return false;
            }
            unsent.erase(0, static_cast<std::size_t>(count));
        }
        unsent.shrink_to_fit();
        return true;
    }
};

int wire_write(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
    auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (!wire.flush()) return 0;
    if (wire.unsent.size() > kUnsentBytesMax) {
        BIO_set_retry_write(bio);
        return 0;
    }
    std::size_t sent = 0;
    if (wire.unsent.empty()) {
        const auto count = ::send(wire.socket.fd(), bytes, size, MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN && errno != EINTR) {
            wire.error_number = errno;
            return 0;
        }
        sent = count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    wire.unsent.append(bytes + sent, size - sent);
    *written = size;
    return 1;
}

int wire_read(BIO* bio, char* into, std::size_t size, std::size_t* taken) {
    auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (std::exchange(wire.emptied, false)) {
        BIO_set_retry_read(bio);
        return 0;
    }
    ssize_t count = 0;
    do
        count = ::recv(wire.socket.fd(), into, size, 0);
    while (count < 0 && errno == EINTR);
    if (count > 0) {
        *taken = static_cast<std::size_t>(count);
        wire.emptied = *taken < size;
        return 1;
    }
    if (count == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    else if (errno == EAGAIN)
        BIO_set_retry_read(bio);
    else
        wire.error_number = errno;
    return 0;
}

long wire_control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return 0;
}

// A table of functions that never changes; made at first use and never freed, as SSL objects refer
// to it.
const BIO_METHOD* wire_method() {
    static const BIO_METHOD* const method = [] {
        auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "selvage socket");
        BIO_meth_set_write_ex(made, wire_write);
        BIO_meth_set_read_ex(made, wire_read);
        BIO_meth_set_ctrl(made, wire_control);
        return made;
    }();
    return method;
}

std::string to_pem(X509* certificate) {
    const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), BIO_free);
    if (PEM_write_bio_X509(bio.get(), certificate) != 1) return {};
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

class TlsStream final : public ServerStream {
public:
    TlsStream(Socket socket, SslHandle ssl)
        : wire_(std::move(socket)), ssl_(std::move(ssl)), name_(peer_name(wire_.socket.fd())) {
        auto* const bio = BIO_new(wire_method());
        BIO_set_data(bio, &wire_);
        BIO_set_init(bio, 1);
        SSL_set_bio(ssl_.get(), bio, bio);
    }
    ~TlsStream() override { close(); }

    Awaitable<Result<>> handshake();
    Awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;
    Awaitable<Result<>> write(std::string_view bytes) override;
    bool try_write(std::string_view& bytes) override;
    bool write_at_once(std::string_view bytes) override;
    void end_writing() override;
    void close() override;
    std::string peer() const override { return name_.text; }
    std::vector<std::string> peer_certificates() const override;

    void when_readable(std::shared_ptr<Waiter> waiter) override {
        wire_.socket.when_readable(
            [waiter = std::move(waiter)](boost::system::error_code error) { waiter->ready(error.failed()); });
    }
    std::optional<Result<std::size_t>> read_now(std::span<std::byte> into) override;
    void put_back(std::string bytes) override { early_ = std::make_unique<std::string>(std::move(bytes)); }

    // After a failed handshake: why the peer's certificate is not acceptable; empty when that is
    // not the reason.
    std::string certificate_refusal() const {
        const long result = SSL_get_verify_result(ssl_.get());
        return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
    }

private:
    // What a read without waiting came to.
    enum class Wants : std::uint8_t { nothing, bytes, room };
    struct Read {
        Wants wants = Wants::nothing;
        Result<std::size_t> result = std::size_t{0};
    };
    // As many records as fit and have arrived.
    void try_read(std::span<std::byte> into, Read& read);
    Awaitable<std::tuple<boost::system::error_code>> wait_for(Wants what);
    // Lets the loop's other work run.
    Awaitable<> rest();
    [[gnu::noinline]] static void give_up(Read& read) { read.result = fail(Errc::cancelled, "the wait for bytes was cancelled"); }
    // Waits until all of `unsent` is out.
    Awaitable<Result<>> drain();
    // The error behind SSL_ERROR_SSL and SSL_ERROR_SYSCALL; the connection is dead from here.
    Error broken(std::string_view what);

    Wire wire_;
    SslHandle ssl_;
    PeerName name_;
    std::unique_ptr<std::string> early_;  // read already, and not empty
    int reads_at_once_ = 0;
    bool ended_ = false;  // close_notify has been sent
    bool dead_ = false;   // OpenSSL forbids even a shutdown after a fatal error
};

Error TlsStream::broken(std::string_view what) {
    dead_ = true;
    if (wire_.error_number != 0) {
        ERR_clear_error();
        return socket_error(what, name_.text, wire_.error_number);
    }
    if (ERR_peek_last_error() == 0)
        return {Errc::connection_closed, fmt::format("{} {}: the peer has left", what, name_.text)};
    return {Errc::malformed, fmt::format("{} {}: {}", what, name_.text, openssl_words())};
}

Awaitable<Result<>> TlsStream::drain() {
    for (;;) {
        if (!wire_.socket.is_open())
            co_return fail(Errc::connection_closed, "the stream is closed");
        if (!wire_.flush()) co_return fail(broken("write to"));
        if (wire_.unsent.empty()) co_return Result<>{};
        const auto ready = co_await wire_.socket.writable();
        if (!ready) co_return fail(ready.error());
    }
}

Awaitable<Result<>> TlsStream::handshake() {
    for (;;) {
        ERR_clear_error();
        const int result = SSL_do_handshake(ssl_.get());
        const int error = SSL_get_error(ssl_.get(), result);
        if (result != 1 && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
            if (error == SSL_ERROR_ZERO_RETURN) ERR_clear_error();
            co_return fail(broken("TLS handshake with"));
        }
        const auto drained = co_await drain();
        if (!drained) co_return drained;
        if (result == 1) co_return Result<>{};
        if (error == SSL_ERROR_WANT_READ) {
            const auto ready = co_await wire_.socket.readable();
            if (!ready) co_return ready;
        }
    }
}

Awaitable<Result<std::size_t>> TlsStream::read_some(std::span<std::byte> into) {
    // Every idle connection keeps this coroutine's frame, and a compiler puts each local object into it: so there is one.
    if (++reads_at_once_ > kReadsPerTurn) co_await rest();
    Read read;
    for (try_read(into, read); read.wants != Wants::nothing; try_read(into, read)) {
        const auto [cancelled] = co_await wait_for(read.wants);
        if (cancelled) {
            // Nothing of `this` is touched here: close() may have been the destructor's.
            give_up(read);
            break;
        }
    }
    co_return std::move(read.result);
}

std::optional<Result<std::size_t>> TlsStream::read_now(std::span<std::byte> into) {
    Read read;
    try_read(into, read);
    if (read.wants == Wants::bytes) return std::nullopt;
    if (read.wants == Wants::room) return fail(Errc::connection_closed, "the peer does not read");
    return std::move(read.result);
}

Awaitable<> TlsStream::rest() {
    reads_at_once_ = 0;
    return yield_turn(wire_.socket.executor());
}

Awaitable<std::tuple<boost::system::error_code>> TlsStream::wait_for(Wants what) {
    reads_at_once_ = 0;
    return what == Wants::room ? wire_.socket.wait_writable() : wire_.socket.wait_readable();
}

void TlsStream::try_read(std::span<std::byte> into, Read& read) {
    read.wants = Wants::nothing;
    if (dead_ || !wire_.socket.is_open()) {
        read.result = fail(Errc::connection_closed, "the stream is closed");
        return;
    }
    if (early_) {
        const auto count = early_->copy(reinterpret_cast<char*>(into.data()), into.size());
        early_->erase(0, count);
        if (early_->empty()) early_.reset();
        read.result = count;
        return;
    }
    if (wire_.unsent.size() > kUnsentBytesMax && !wire_.flush()) {
        read.result = fail(broken("write to"));
        return;
    }
    std::size_t filled = 0;
    while (filled < into.size()) {
        ERR_clear_error();
        std::size_t count = 0;
        const int result = SSL_read_ex(ssl_.get(), into.data() + filled, into.size() - filled, &count);
        filled += count;
        if (result == 1) continue;
        // What ended the connection behind these bytes will be met again by the next read.
        if (filled > 0) break;
        const int error = SSL_get_error(ssl_.get(), result);
        if (error == SSL_ERROR_ZERO_RETURN) break;
        // WANT_WRITE: `unsent` is over its bound.
        if (error == SSL_ERROR_WANT_READ) read.wants = Wants::bytes;
        else if (error == SSL_ERROR_WANT_WRITE) read.wants = Wants::room;
        else read.result = fail(broken("read from"));
        return;
    }
    read.result = filled;
}

Awaitable<Result<>> TlsStream::write(std::string_view bytes) {
    while (!bytes.empty() || !wire_.unsent.empty()) {
        if (dead_ || ended_ || !wire_.socket.is_open())
            co_return fail(Errc::connection_closed, "the stream is closed");
        ERR_clear_error();
        std::size_t count = 0;
        const int result = bytes.empty() ? 1 : SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
        const int error = SSL_get_error(ssl_.get(), result);
        if (result == 1) {
            bytes.remove_prefix(count);
        } else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
            co_return fail(broken("write to"));
        }
        if (!wire_.unsent.empty() || error == SSL_ERROR_WANT_WRITE) {
            const auto drained = co_await drain();
            if (!drained) co_return drained;
        } else if (error == SSL_ERROR_WANT_READ) {
            const auto ready = co_await wire_.socket.readable();
            if (!ready) co_return ready;
        }
    }
    co_return Result<>{};
}

bool TlsStream::try_write(std::string_view& bytes) {
    while (!bytes.empty()) {
        if (dead_ || ended_ || !wire_.socket.is_open() || !wire_.unsent.empty()) return false;
        ERR_clear_error();
        std::size_t count = 0;
        const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
        ERR_clear_error();
        if (result != 1) return false;  // write() will see the same again, and say what it is
        bytes.remove_prefix(count);
    }
    return wire_.unsent.empty();
}

// A pending write has left bytes in `unsent`, as it waits for nothing else. What the socket does not take now goes out
// with the next write, or never when close() follows.
bool TlsStream::write_at_once(std::string_view bytes) {
    if (dead_ || ended_ || !wire_.socket.is_open() || !wire_.unsent.empty()) return false;
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    ERR_clear_error();
    return result == 1 && count == bytes.size();
}

void TlsStream::end_writing() {
    if (!wire_.socket.is_open() || dead_ || ended_ || SSL_is_init_finished(ssl_.get()) != 1) return;
    ended_ = true;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    if (wire_.unsent.empty()) (void)::shutdown(wire_.socket.fd(), SHUT_WR);
}

void TlsStream::close() {
    if (!wire_.socket.is_open()) return;
    end_writing();
    wire_.socket.close();
}

std::vector<std::string> TlsStream::peer_certificates() const {
    std::vector<std::string> chain;
    // A server's chain leaves the leaf out, a client's holds it (SSL_get_peer_cert_chain(3)).
    auto* const leaf = SSL_get0_peer_certificate(ssl_.get());
    if (leaf == nullptr) return chain;
    chain.push_back(to_pem(leaf));
    auto* const others = SSL_get_peer_cert_chain(ssl_.get());
    const int first = SSL_is_server(ssl_.get()) == 1 ? 0 : 1;
    for (int i = first; i < sk_X509_num(others); ++i)
        chain.push_back(to_pem(sk_X509_value(others, i)));
    return chain;
}

}  // namespace

// The kernel holds the bytes meanwhile and wakes us for as many as we want (SO_RCVLOWAT), so that a hello that comes byte by
// byte is no work. What is no TLS, or an end, is left to OpenSSL to tell.
Awaitable<Result<>> await_client_hello(Socket& socket) {
    const auto want = [&socket](int bytes) {
        // A socket that refuses wakes us early, which OpenSSL can live with.
        (void)::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
    };
    constexpr std::uint8_t kHandshake = 22;   // RFC 8446 section 5.1: type, version, length
    std::array<std::uint8_t, 5> header{};
    want(header.size());
    auto ready = co_await socket.readable();
    if (ready) {
        const auto count = ::recv(socket.fd(), header.data(), header.size(), MSG_PEEK);
        const int length = header[3] << 8 | header[4];
        if (count == static_cast<ssize_t>(header.size()) && header[0] == kHandshake && length <= SSL3_RT_MAX_PLAIN_LENGTH) {
            want(static_cast<int>(header.size()) + length);
            ready = co_await socket.readable();
        }
    }
    if (ready) want(1);
    co_return ready;
}

Awaitable<Result<std::unique_ptr<ServerStream>>> accept_tls(Socket socket,
                                                            std::shared_ptr<TlsServerContext> context) {
    SELVAGE_CO_TRY(auto ssl, new_server_ssl(*context));
    auto stream = std::make_unique<TlsStream>(std::move(socket), std::move(ssl));
    const auto done = co_await stream->handshake();
    if (!done) co_return fail(done.error());
    co_return stream;
}

Awaitable<Result<std::unique_ptr<Stream>>> connect_tls(Socket socket,
                                                       std::shared_ptr<TlsClientContext> context,
                                                       std::string host) {
    SELVAGE_CO_TRY(auto ssl, new_client_ssl(*context, host));
    auto stream = std::make_unique<TlsStream>(std::move(socket), std::move(ssl));
    const auto done = co_await stream->handshake();
    if (done) co_return stream;
    if (done.error().code == Errc::cancelled) co_return fail(done.error());
    const auto refusal = stream->certificate_refusal();
    if (!refusal.empty())
        co_return fail(Errc::unauthorized,
                       fmt::format("the certificate of '{}' is not acceptable: {}", host, refusal));
    co_return fail(Errc::unavailable, done.error().detail);
}

}  // namespace selvage::net
