#include "heads/mqtt/opening.h"

#include <boost/asio/this_coro.hpp>

#include "base/encoding.h"
#include "base/log.h"
#include "heads/mqtt/connection.h"

namespace selvage::heads::mqtt {
namespace {

using codec::mqtt::Connect;

// A stranger's packet: room for the longest token and a will, and no more (docs/wire/mqtt.md#connack).
constexpr std::size_t kConnectBytesMax = 16 * 1024;

// Takes what one read brought. True: `opening` is there.
Result<bool> take(codec::mqtt::Decoder& decoder, const Result<std::size_t>& count, std::unique_ptr<Opening>& opening) {
    if (!count) return fail(count.error());
    if (*count == 0) return fail(Errc::connection_closed, "the client closed the connection before CONNECT");
    decoder.feed(as_text(net::read_buffer().first(*count)));
    SELVAGE_TRY(auto packet, decoder.next());
    if (!packet) return false;
    auto* connect = std::get_if<Connect>(&*packet);
    if (connect == nullptr) return fail(Errc::malformed, "the first packet is not CONNECT");
    decoder.keep();
    opening = std::make_unique<Opening>(std::move(*connect), std::move(decoder));
    return true;
}

// True: no more need be read.
[[gnu::noinline]] bool is_over(codec::mqtt::Decoder& decoder, const Result<std::size_t>& count, std::unique_ptr<Opening>& opening,
             const net::Stream& stream, const net::ClosingTime& closing) {
    const auto taken = take(decoder, count, opening);
    // Port scans and health checks come and go like this.
    if (!taken)
        log::debug("mqtt.connect", "no CONNECT peer={} reason={}", stream.peer(),
                   closing.has_come() ? "the operation took too long" : printable(taken.error().detail));
    return !taken || *taken;
}

}  // namespace

bool is_opening(std::string_view first) {
    codec::mqtt::Decoder decoder({.packet_bytes_max = kConnectBytesMax});
    decoder.feed(first);
    const auto packet = decoder.next();
    return !packet || *packet;
}

// Strangers keep this frame, so what a read brings is looked at outside of it.
async::Awaitable<std::unique_ptr<Opening>> read_opening(net::Stream& stream, async::TimeSource& time,
                                                        const MqttSettings& settings) {
    codec::mqtt::Decoder decoder({.packet_bytes_max = kConnectBytesMax});
    const net::ClosingTime closing(stream, time, co_await boost::asio::this_coro::executor, time.now() + settings.connect_timeout);
    std::unique_ptr<Opening> opening;
    while (!is_over(decoder, co_await stream.read_some(net::read_buffer()), opening, stream, closing)) {}
    co_return opening;
}

}  // namespace selvage::heads::mqtt
