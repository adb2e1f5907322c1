#include "base/random.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/result.h"

namespace selvage {

std::uint64_t Random::next() {
    std::array<std::byte, 8> bytes;
    fill(bytes);
    std::uint64_t value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

double Random::fraction() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::string Random::guid() {
    std::array<std::byte, 16> b;
    fill(b);
    b[6] = (b[6] & std::byte{0x0f}) | std::byte{0x40};  // version 4, RFC 4122 section 4.4
    b[8] = (b[8] & std::byte{0x3f}) | std::byte{0x80};  // variant 1
    std::string text;
    for (std::size_t i = 0; i < b.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        fmt::format_to(std::back_inserter(text), "{:02x}", static_cast<unsigned>(b[i]));
    }
    return text;
}

void SystemRandom::fill(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        SELVAGE_ASSERT(got > 0);
        bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
}

void SeededRandom::fill(std::span<std::byte> bytes) {
    for (auto& byte : bytes) {
        // splitmix64, public domain; one step a byte is plenty for tests.
        state_ += 0x9e3779b97f4a7c15u;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        byte = static_cast<std::byte>((z ^ (z >> 31)) & 0xff);
    }
}

}  // namespace selvage
