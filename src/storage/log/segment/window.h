// Reads records of segment files one after another through one buffer.
//
// One thread. Views that it gives live until its next call. Memory: 256 KiB, or the largest record met.
#pragma once

#include <cstdint>
#include <string>

#include "storage/log/segment/disk.h"
#include "storage/log/segment/format.h"

namespace selvage::storage::segment {

inline constexpr std::size_t kWindowBytes = 256 * 1024;

// Where to read: bytes of the file from `end` on are not looked at.
struct Extent {
    int fd = -1;
    std::uint64_t number = 0;
    std::uint32_t salt = 0;
    std::uint64_t end = 0;
};

class Window {
public:
    explicit Window(Disk& disk) : disk_(disk) {}

    enum class Found { record, end, invalid, failed };
    // The record at `position`; reads about `ahead` bytes at a time. `failed`: error() has the errno.
    Found at(const Extent& extent, std::uint64_t position, std::size_t ahead, Frame& frame);
    int error() const { return error_; }

private:
    bool load(const Extent& extent, std::uint64_t position, std::size_t bytes, std::size_t ahead);
    std::string_view loaded(std::uint64_t position) const;

    Disk& disk_;
    std::string buffer_;
    std::uint64_t number_ = 0;   // segments are numbered from 1
    std::uint64_t start_ = 0;
    std::size_t size_ = 0;
    int error_ = 0;
};

// A segment file's header record. Errors: corrupt, unsupported (a later version), io_error.
struct ReadHeader {
    Header header;
    std::uint32_t salt = 0;
    std::uint64_t bytes = 0;     // where the next record begins
};
Result<ReadHeader> read_segment_header(Disk& disk, int fd, std::uint64_t number, std::uint64_t file_bytes);

// The seal of a segment that ends at `extent.end`. Nothing when the file does not end in a valid one. Errors: io_error.
struct ReadSeal {
    Seal seal;
    std::uint64_t begins = 0;    // where the data ends
};
Result<std::optional<ReadSeal>> read_segment_seal(Disk& disk, const Extent& extent);

}  // namespace selvage::storage::segment
