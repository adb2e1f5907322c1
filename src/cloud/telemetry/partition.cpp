// The service's map from device to partition: Bob Jenkins' lookup3 (hashlittle2, both seeds 0) over the upper-cased id,
// its two words folded to a signed 16-bit number, whose absolute remainder by 32767 falls into one of n nearly equal
// ranges. Source: Azure/iotedge, test/Microsoft.Azure.Devices.Edge.Test.Common/EventHubPartitionKeyResolver.cs;
// docs/wire/event-read.md.
#include <bit>
#include <cstdint>
#include <cstdlib>

#include "cloud/telemetry/event_log.h"

namespace selvage::cloud::telemetry {

namespace {

struct Words {
    std::uint32_t a, b, c;
};

void mix(Words& w) {
    const auto step = [](std::uint32_t& x, std::uint32_t& y, std::uint32_t& z, int turn) {
        x -= z;
        x ^= std::rotl(z, turn);
        z += y;
    };
    step(w.a, w.b, w.c, 4);
    step(w.b, w.c, w.a, 6);
    step(w.c, w.a, w.b, 8);
    step(w.a, w.b, w.c, 16);
    step(w.b, w.c, w.a, 19);
    step(w.c, w.a, w.b, 4);
}

void finish(Words& w) {
    const auto step = [](std::uint32_t& x, std::uint32_t y, int turn) {
        x ^= y;
        x -= std::rotl(y, turn);
    };
    step(w.c, w.b, 14);
    step(w.a, w.c, 11);
    step(w.b, w.a, 25);
    step(w.c, w.b, 16);
    step(w.a, w.c, 4);
    step(w.b, w.a, 14);
    step(w.c, w.b, 24);
}

// Up to four bytes, little endian, missing ones zero.
std::uint32_t word_at(std::string_view key, std::size_t at) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 4 && at + i < key.size(); ++i) {
        word |= static_cast<std::uint32_t>(static_cast<unsigned char>(key[at + i])) << (8 * i);
    }
    return word;
}

std::int16_t fold(std::string_view key) {
    const auto start = 0xdeadbeefu + static_cast<std::uint32_t>(key.size());
    Words w{start, start, start};
    while (key.size() > 12) {
        w.a += word_at(key, 0);
        w.b += word_at(key, 4);
        w.c += word_at(key, 8);
        mix(w);
        key.remove_prefix(12);
    }
    if (!key.empty()) {
        w.a += word_at(key, 0);
        w.b += word_at(key, 4);
        w.c += word_at(key, 8);
        finish(w);
    }
    return static_cast<std::int16_t>(static_cast<std::uint16_t>((w.c ^ w.b) & 0xffff));
}

}  // namespace

std::size_t partition_of(std::string_view device_id, std::size_t partitions) {
    std::string key(device_id);
    for (char& c : key) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    constexpr std::size_t kRange = 32767;
    const auto logical = static_cast<std::size_t>(std::abs(fold(key) % static_cast<int>(kRange)));
    const std::size_t width = kRange / partitions;
    const std::size_t wider = kRange - partitions * width;
    if (logical < wider * (width + 1)) return logical / (width + 1);
    return wider + (logical - wider * (width + 1)) / width;
}

}  // namespace selvage::cloud::telemetry
