// Whatever bytes come, cut wherever: the same packets, and what is decoded encodes to the same packet again.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "codec/mqtt/packet.h"

namespace {

using namespace selvage;
using namespace selvage::codec::mqtt;

// Stands for the end of the stream of packets: how it ended.
struct Read {
    std::vector<std::string> packets;
    bool failed = false;
    bool operator==(const Read&) const = default;
};

void read_on(Decoder& decoder, Read& read) {
    while (!read.failed) {
        const auto packet = decoder.next();
        if (!packet) {
            read.failed = true;
            return;
        }
        if (!*packet) return;
        std::string bytes;
        if (const auto* connect = std::get_if<Connect>(&**packet); connect != nullptr && connect->protocol_level != 4) continue;
        if (!encode(**packet, bytes)) std::abort();
        Decoder again;
        again.feed(bytes);
        const auto same = again.next();
        if (!same || !*same || **same != **packet) std::abort();
        read.packets.push_back(std::move(bytes));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t step = 1 + data[0] % 64;
    const bool keep = (data[0] & 0x80) != 0;
    const std::string stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Limits limits{.packet_bytes_max = 4096, .filters_max = 8};

    Decoder whole(limits);
    Read at_once;
    whole.feed(stream);
    read_on(whole, at_once);

    Decoder pieces(limits);
    Read in_pieces;
    for (std::size_t at = 0; at < stream.size() && !in_pieces.failed; at += step) {
        // Its own allocation, so that a view that outlives its bytes is seen.
        const auto part = std::make_unique<std::string>(stream.substr(at, step));
        pieces.feed(*part);
        if (keep) pieces.keep();
        read_on(pieces, in_pieces);
        if (pieces.held_bytes() > limits.packet_bytes_max + 5 + step) std::abort();
    }
    if (at_once != in_pieces) std::abort();
    return 0;
}
