#include "storage/log/segment/window.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace selvage::storage::segment {

std::string_view Window::loaded(std::uint64_t position) const {
    return std::string_view(buffer_).substr(static_cast<std::size_t>(position - start_),
                                            size_ - static_cast<std::size_t>(position - start_));
}

bool Window::load(const Extent& extent, std::uint64_t position, std::size_t bytes, std::size_t ahead) {
    if (number_ == extent.number && start_ <= position && position + bytes <= start_ + size_) return true;
    const auto rest = static_cast<std::size_t>(std::min<std::uint64_t>(extent.end - position, kRecordBytesMax + kFrameBytes));
    const std::size_t want = std::min(rest, std::max(bytes, ahead));
    if (buffer_.size() < want || buffer_.size() > 4 * std::max(want, kWindowBytes)) buffer_.resize(std::max(want, kWindowBytes));
    number_ = 0;
    const ssize_t got = disk_.read_at(extent.fd, buffer_.data(), want, position);
    error_ = got < 0 ? static_cast<int>(-got) : 0;
    if (got < 0) return false;
    number_ = extent.number;
    start_ = position;
    size_ = static_cast<std::size_t>(got);
    return size_ >= bytes;
}

Window::Found Window::at(const Extent& extent, std::uint64_t position, std::size_t ahead, Frame& frame) {
    error_ = 0;
    if (position >= extent.end) return Found::end;
    const auto lost = [this] { return error_ != 0 ? Found::failed : Found::invalid; };
    if (extent.end - position < kFrameBytes) return Found::invalid;
    if (!load(extent, position, kFrameBytes, ahead)) return lost();
    const std::size_t size = claimed_bytes(loaded(position));
    if (size == 0 || size > extent.end - position) return Found::invalid;
    if (!load(extent, position, size, ahead)) return lost();
    const auto read = read_frame(loaded(position), position, extent.salt);
    if (!read) return Found::invalid;
    frame = *read;
    return Found::record;
}

Result<ReadHeader> read_segment_header(Disk& disk, int fd, std::uint64_t number, std::uint64_t file_bytes) {
    const auto damaged = [&](std::string_view what) {
        return fail(Errc::corrupt, fmt::format("segment {:016x}: position 0: {}", number, what));
    };
    std::string magic(kMagic.size(), '\0');
    const ssize_t got = disk.read_at(fd, magic.data(), magic.size(), 0);
    if (got < 0) return fail(disk_error(fmt::format("read segment {:016x}", number), static_cast<int>(-got)));
    if (magic != kMagic) return damaged("it does not begin like a segment of a message log");
    Window window(disk);
    Frame frame;
    const Extent extent{fd, number, header_salt(number), file_bytes};
    const Window::Found found = window.at(extent, kMagic.size(), 4096, frame);
    if (found == Window::Found::failed) return fail(disk_error(fmt::format("read segment {:016x}", number), window.error()));
    if (found != Window::Found::record || frame.kind != Kind::header) return damaged("the header is damaged");
    ReadHeader read;
    if (!read_header(frame.body, read.header) || read.header.number != number) {
        if (!frame.body.empty() && frame.body[0] != static_cast<char>(kFormatVersion))
            return fail(Errc::unsupported, fmt::format("segment {:016x} was written by a later version", number));
        return damaged("the header does not parse");
    }
    read.salt = frame.checksum;
    read.bytes = kMagic.size() + frame.bytes;
    return read;
}

Result<std::optional<ReadSeal>> read_segment_seal(Disk& disk, const Extent& extent) {
    if (extent.end < kTrailerBytes) return std::optional<ReadSeal>{};
    std::string trailer(kTrailerBytes, '\0');
    const std::uint64_t seal_end = extent.end - kTrailerBytes;
    const ssize_t got = disk.read_at(extent.fd, trailer.data(), trailer.size(), seal_end);
    if (got < 0) return fail(disk_error(fmt::format("read segment {:016x}", extent.number), static_cast<int>(-got)));
    const std::size_t bytes = read_trailer(trailer);
    if (bytes == 0 || bytes > seal_end) return std::optional<ReadSeal>{};
    Window window(disk);
    Frame frame;
    ReadSeal read;
    read.begins = seal_end - bytes;
    const Extent before{extent.fd, extent.number, extent.salt, seal_end};
    const Window::Found found = window.at(before, seal_end - bytes, bytes, frame);
    if (found == Window::Found::failed) return fail(disk_error(fmt::format("read segment {:016x}", extent.number), window.error()));
    if (found != Window::Found::record || frame.kind != Kind::seal || frame.bytes != bytes || !read_seal(frame.body, read.seal))
        return std::optional<ReadSeal>{};
    return std::optional<ReadSeal>(std::move(read));
}

}  // namespace selvage::storage::segment
