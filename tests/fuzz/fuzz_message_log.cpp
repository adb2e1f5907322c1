// A segment of the message log as a crash or a bad disk may leave it: reading it back must never do more than refuse it.
//
// First byte 0: the rest is a file's bytes. Otherwise the rest is bodies of records (one byte length, then as many), which get
// valid frames, so that the fuzzer reaches what stands behind the checksum.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "storage/log/recovery.h"
#include "storage/log/segment/window.h"

namespace {

namespace log_segment = selvage::storage::segment;

class MemoryDisk final : public log_segment::Disk {
public:
    explicit MemoryDisk(std::string_view bytes) : bytes_(bytes) {}
    ssize_t read_at(int, char* to, std::size_t size, std::uint64_t position) override {
        if (position >= bytes_.size()) return 0;
        const std::string_view part = bytes_.substr(static_cast<std::size_t>(position), size);
        std::memcpy(to, part.data(), part.size());
        return static_cast<ssize_t>(part.size());
    }

private:
    std::string_view bytes_;
};

std::string framed(std::string_view bodies) {
    std::string file(log_segment::kMagic);
    std::uint32_t salt = log_segment::header_salt(1);
    for (bool first = true; !bodies.empty(); first = false) {
        const auto size = std::min<std::size_t>(static_cast<unsigned char>(bodies.front()), bodies.size() - 1);
        const std::string_view body = bodies.substr(1, size);
        bodies.remove_prefix(1 + size);
        if (body.empty()) continue;
        const std::size_t at = log_segment::begin_frame(file, static_cast<log_segment::Kind>(body.front()));
        file += body.substr(1);
        const std::uint32_t sum = log_segment::end_frame(file, at, at, salt);
        if (first) salt = sum;
    }
    return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::string file = data[0] == 0 ? std::string(input) : framed(input);
    MemoryDisk disk(file);
    const auto header = log_segment::read_segment_header(disk, -1, 1, file.size());
    if (!header) return 0;
    const log_segment::Extent extent{-1, 1, header->salt, file.size()};
    const auto seal = log_segment::read_segment_seal(disk, extent);
    const auto replayed = selvage::storage::replay(disk, extent, *header);
    if (!replayed) return 0;
    // What recovery promises to those who come after it.
    if (replayed->end > file.size()) __builtin_trap();
    if (replayed->sealed && !(seal && *seal)) __builtin_trap();
    for (const auto& span : replayed->spans)
        if (span.end <= span.first) __builtin_trap();
    return 0;
}
