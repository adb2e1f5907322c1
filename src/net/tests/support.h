// Support for the tests of streams: a loop with a dialer, certificates, and short ways to read.
#pragma once

#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "async/event.h"
#include "async/tests/run.h"
#include "async/time_source.h"
#include "base/encoding.h"
#include "net/dial.h"
#include "net/listener.h"
#include "net/tls.h"

namespace selvage::net::testing {

using namespace std::chrono_literals;

struct Certificate {
    std::string pem;
    std::string key_pem;
};

struct CertificateWish {
    std::string common_name = "test";
    std::vector<std::string> names = {};  // "DNS:localhost", "IP:127.0.0.1"
    bool authority = false;
    bool rsa = false;
    std::chrono::hours not_before{-1};  // from now
    std::chrono::hours not_after{24};
};
// Signed by `issuer`, or by itself.
Certificate make_test_certificate(const CertificateWish& wish, const Certificate* issuer = nullptr);

// Connects with OpenSSL's own blocking client that shows `device`, sends `text` and returns as many
// bytes. On any failure: "".
std::string talk_with_certificate(std::uint16_t port, const Certificate& device,
                                  const std::string& text);

class TempFolder {
public:
    TempFolder();
    ~TempFolder();
    std::string path(const std::string& name) const { return folder_ + "/" + name; }

private:
    std::string folder_;
};

class NetTest : public ::testing::Test {
protected:
    boost::asio::io_context loop;
    async::SystemTime time;
    std::unique_ptr<Dialer> dialer = make_dialer(time);

    void run(Awaitable<> task, std::chrono::seconds guard = 10s) {
        async::testing::run(loop, std::move(task), guard);
    }

    std::unique_ptr<Listener> listen(Serve serve, std::shared_ptr<TlsServerContext> tls = nullptr,
                                     ListenSettings settings = {}) {
        auto listener = listen_tcp(loop.get_executor(), time, "127.0.0.1", 0, std::move(tls),
                                   settings, std::move(serve));
        EXPECT_TRUE(listener) << listener.error().detail;
        return *std::move(listener);
    }
    Awaitable<Result<std::unique_ptr<Stream>>> connect(
        std::uint16_t port, std::shared_ptr<TlsClientContext> tls = nullptr,
        std::string host = "127.0.0.1") {
        co_return co_await dialer->dial(
            {.host = std::move(host), .port = port, .unix_path = {}, .tls = std::move(tls)}, 5s);
    }
};

// Reads until `size` bytes have come or the peer has ended; an error ends it too.
inline Awaitable<std::string> read_text(Stream& stream, std::size_t size) {
    std::string text;
    std::vector<std::byte> buffer(65536);
    while (text.size() < size) {
        const auto count = co_await stream.read_some(
            std::span(buffer).first(std::min(buffer.size(), size - text.size())));
        if (!count || *count == 0) break;
        text += as_text(std::span(buffer).first(*count));
    }
    co_return text;
}
inline Awaitable<std::string> read_to_end(Stream& stream) {
    co_return co_await read_text(stream, std::string::npos);
}

// More than any socket takes at once: tries first, then waits for the rest, and ends the stream's side.
inline Awaitable<> try_then_write(Stream& stream, const std::string& text) {
    std::string_view rest = text;
    EXPECT_FALSE(stream.try_write(rest));
    EXPECT_LT(rest.size(), text.size()) << "nothing was taken";
    EXPECT_FALSE(stream.try_write(rest)) << "a second try finds the first one's bytes in its way";
    const auto written = co_await stream.write(rest);
    EXPECT_TRUE(written) << written.error().detail;
    stream.end_writing();
}
inline std::string much_text() {
    std::string text(16 << 20, ' ');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
    return text;
}

inline Awaitable<> echo(std::shared_ptr<Stream> stream) {
    std::vector<std::byte> buffer(65536);
    for (;;) {
        const auto count = co_await stream->read_some(buffer);
        if (!count || *count == 0) co_return;
        const auto written = co_await stream->write(as_text(std::span(buffer).first(*count)));
        if (!written) co_return;
    }
}

// With TLS contexts that trust each other.
class TlsTest : public NetTest {
protected:
    const Certificate root = make_test_certificate({.common_name = "root", .authority = true});

    std::shared_ptr<TlsServerContext> server(const CertificateWish& wish = {.common_name = "hub", .names = {"DNS:localhost"}},
                                             bool request_client = false) const {
        const auto leaf = make_test_certificate(wish, &root);
        auto context = TlsServerContext::make(leaf.pem, leaf.key_pem, request_client);
        EXPECT_TRUE(context) << context.error().detail;
        return *context;
    }
    std::shared_ptr<TlsClientContext> client() const { return *TlsClientContext::make(root.pem, false); }
};

}  // namespace selvage::net::testing
